"""Pictures of what the methods do, and of what a classifier sees in the mixed pictures."""

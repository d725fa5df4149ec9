"""A comparison as tables, figures and an HTML page."""

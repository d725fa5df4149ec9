"""What every command shares: how it ends, its processes, its progress bar."""

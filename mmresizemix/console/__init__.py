"""The parts that all commands share: their end, their processes, their progress bar."""

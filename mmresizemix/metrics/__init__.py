"""Detection metrics from detections and their truth."""

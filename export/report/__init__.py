"""What a training and its bundle are worth, as one HTML file that opens offline."""

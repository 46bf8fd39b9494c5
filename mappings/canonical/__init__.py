"""The canonical model and its column shape."""

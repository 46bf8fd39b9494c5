"""Conversion: a truck in columns becomes the documents and messages of each authority."""

"""Clearing: where a shipment stands, which step its procedure allows next, and taking it."""

"""Receipts: polled or pushed into one idempotent path, settled by rank, and rejections explained to the cell."""

"""Sandbox of announcement 179: the customs that asks a platform for payment data and takes its uploads.

Behaves as reference/cn_ecommerce/transport_signature.md, section 5, says. Like the one in life it answers 10000
whatever the signature is; its books say whether it holds.
"""

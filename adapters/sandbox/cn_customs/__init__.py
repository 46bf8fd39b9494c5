"""China Customs sandbox: a strict customs for cross-border e-commerce, both ways (CEB messages, version 202205).

Behaves as reference/cn_ecommerce (receipts.md, rules.md, transport_signature.md) says; what those mark as not checked
is a setting in profile.yaml or lifecycle.yaml, marked unverified.
"""

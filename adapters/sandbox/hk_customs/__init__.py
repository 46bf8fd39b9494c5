"""Hong Kong Customs sandbox: the road cargo system, with its windows, bundling and control point.

Behaves as reference/hk_macao/hk.md, sections 2 and 3, says. What that marks as derived, and what nobody could check,
is a setting in profile.yaml, marked unverified.
"""

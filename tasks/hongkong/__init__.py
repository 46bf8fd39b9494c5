"""Hong Kong, the second authority: a truck's consignment as road cargo information, its bundling, and what comes next.

Facts: reference/hk_macao/hk.md, sections 2 and 3. Pure functions; submission and ledger are the same as China's.
"""

from tasks.hongkong.check import window_faults
from tasks.hongkong.deadlines import Deadlines, deadlines, earliest_crossing, feasible_crossing
from tasks.hongkong.items import Items, content_digest, project
from tasks.hongkong.messages import Filing, aci_key, amend, bundle, bundle_key, cancel, lodge, plate, unbundle
from tasks.hongkong.steps import STEPS, Filed, decide, next_step, standing

__all__ = [
    "STEPS", "Deadlines", "Filed", "Filing", "Items", "aci_key", "amend", "bundle", "bundle_key", "cancel",
    "content_digest", "deadlines", "decide", "earliest_crossing", "feasible_crossing", "lodge", "next_step", "plate",
    "project", "standing", "unbundle", "window_faults",
]  # fmt: skip

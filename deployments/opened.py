"""A message out of its DxpMsg envelope, for people who hand in either."""

from __future__ import annotations

import base64
import binascii
import re

_DATA = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?Data(?:\s[^>]*)?>([A-Za-z0-9+/=\s]*)</")
_ENVELOPE = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?DxpMsg(?:Sv)?[\s>]")


def opened(xml: bytes) -> bytes:
    """The business message inside a DxpMsg or DxpMsgSv (in any nesting); anything else as it is."""
    while _ENVELOPE.search(xml[:2000]):
        data = _DATA.search(xml)
        if data is None:
            return xml
        try:
            xml = base64.b64decode(data[1], validate=False)
        except binascii.Error:
            return xml
    return xml

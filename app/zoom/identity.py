"""Who stands behind a grant. The documented scopes do not tell, so this is best effort.

In this order: `GET /users/me` where `user:read:user` was granted; the access token's claims; and
later, in `service.learn_identity`, the `host_id` of the first meeting's answer.
"""

import base64
import json
from contextlib import suppress

from ..outbox import Refused, Unavailable
from . import api
from .abilities import Abilities
from .answers import TokenRefused
from .oauth import Grant
from .values import UNKNOWN, Access, Identity


def of_grant(grant: Grant) -> Identity:
    """The Zoom user who gave this grant, or UNKNOWN. Never fails: a connection works without."""
    if Abilities.of(grant.scopes).identifies:
        access = Access(grant.access_token, frozenset(grant.scopes.split()), grant.expires_at)
        with suppress(TokenRefused, Refused, Unavailable):
            found = api.read_user(access)
            if found.user_id:
                return found
    return in_claims(grant.access_token)


def in_claims(access_token: str) -> Identity:
    """What a token in JWT form says of its user (`uid`, `aid`), or UNKNOWN.

    Zoom does not document the claims. No signature is checked: the token has just come from
    Zoom itself.
    """
    try:
        payload = access_token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, RecursionError):
        return UNKNOWN
    if not isinstance(claims, dict):
        return UNKNOWN
    return Identity.of(claims.get("uid"), claims.get("aid"))

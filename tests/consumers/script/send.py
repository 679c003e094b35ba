"""Send a repair from a script that is not built: python send.py CONTACT."""

import sys

from engage_interactions import EngageClient
from engage_interactions.repair import Repair, send_repair
from engage_interactions.testing import sample

with EngageClient.from_env() as engage:
    print(send_repair(engage, sys.argv[1], sample(Repair)).id)

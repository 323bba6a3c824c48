"""The fault matrix: every row of it against the simulator, through the real ccxt client."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

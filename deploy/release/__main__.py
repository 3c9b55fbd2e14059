"""`python deploy/release`: see program.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from deploy.release.program import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

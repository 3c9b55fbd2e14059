"""`python deploy/e2e`: see program.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from deploy.e2e.program import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

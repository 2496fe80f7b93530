"""``python -m engagelab_async.cli`` is the command ``engagelab``."""

import sys

from . import main

sys.exit(main())

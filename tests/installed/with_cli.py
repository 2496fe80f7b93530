"""What a program can do with the extra ``cli``: run a command."""

import sys

from engagelab_async.cli import main

if __name__ == "__main__":
    sys.exit(main(["sms", "bulk", "--help"]))

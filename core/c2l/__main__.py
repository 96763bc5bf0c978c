"""The command ``c2l``, which is also ``python -m c2l``."""

import sys


def run() -> int:
    """Run the command of this process; Ctrl-C gives no traceback, even during imports."""
    try:
        from c2l.cli.app import main
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return main()


if __name__ == "__main__":
    sys.exit(run())

"""`python -m nginxlog_exporter`."""

import sys

from nginxlog_exporter.cli import main

sys.exit(main())

"""`python -m teal.front_door FOLDER NGINX...`, as the supervisor starts it."""

import sys

from teal.front_door.door import main

sys.exit(main(sys.argv[1:]))

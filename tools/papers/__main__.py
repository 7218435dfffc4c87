import sys

from tools.papers import main

sys.exit(main())

from .caps import *  # noqa: F401,F403
from .ports import free_port, wait_until, Deadline  # noqa: F401
from .replies import OK, EOF, ERR, ResultSet, LocalInfile, PrepareOK, Text, Closed  # noqa: F401
from .rawclient import RawClient, SequenceError, PeerClosed  # noqa: F401
from .server import MariaDB, MariaDB118, MySQL97, SERVERS  # noqa: F401
from .proxy import Sluse  # noqa: F401
from .look import Look  # noqa: F401

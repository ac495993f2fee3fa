"""tlsrpt-collector: collects SMTP TLS reports and says what to mend (RFC 8460).

The map of the house. Singular folders know, plural folders touch.

====================  ==========================================================
``errors``            three families, named by what the caller does
``plain``             text from strangers, made safe to show
*knowledge*           pure functions over frozen values: no socket, file or clock
``intake``            how reports travel: delivery, extract (MIME), unpack (gzip)
``tlsrpt``            RFC 8460: report, parse, deviations, result types, names
``alerting``          counting, rules, evaluation, the words of an alert
*the line*
``ports``             every seam of the program, on one page
``pipeline``          take, collect, watch, notify: in which order things happen
``upkeep``            retention; archive against store; the store from the archive
*the world*           one folder a family, one file a kind
``sources``           mailboxes
``archives``          where reports are kept as they came
``stores``            the SQL store: schema, writing, queries, migrations
``channels``          alerts out: e-mail, webhook
*the shell*
``web``               overview page, health, metrics
``config``            typed settings; every problem at once, with its line
``app``               composition root: settings to built parts
``daemon``            threads, schedule, signals
``demo``              the main job on an embedded mailbox
``cli``               one file a command group
====================  ==========================================================

Imports only point down this list; ``.importlinter`` in ``pyproject.toml`` keeps it so.
"""

__version__ = "0.1.0"

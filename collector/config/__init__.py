"""Configuration: typed settings from one YAML file; every problem at once, with its line.

==============  ================================================================
``document``    YAML as plain values, each with its place; the only one that knows yaml
``fields``      what may stand in a field: durations, shares, sizes, names, addresses
``secret``      passwords and keys, read from where they are kept when they are needed
``sources``     settings of mailboxes and of the archive
``channels``    settings of the ways out for alerts
``settings``    the settings as a whole
``relations``   what settings demand of each other
``explain``     refusals in the words of the one who wrote the file
``loading``     from a file to settings, or to every problem
``schema``      the JSON Schema for editors
``example``     the example that shows every option
==============  ================================================================
"""

from collector.config.channels import EmailSettings, WebhookSettings
from collector.config.example import example
from collector.config.fields import ListenAddress
from collector.config.loading import load
from collector.config.secret import Secret
from collector.config.settings import Config, DomainSettings, ThresholdSettings, WebSettings
from collector.config.sources import DirectorySettings, FilesystemSettings, ImapSettings

__all__ = [
    "Config",
    "DirectorySettings",
    "DomainSettings",
    "EmailSettings",
    "FilesystemSettings",
    "ImapSettings",
    "ListenAddress",
    "Secret",
    "ThresholdSettings",
    "WebSettings",
    "WebhookSettings",
    "example",
    "load",
]

"""The command line: ``mirrorfast --help``."""

"""MariaDB as the mothership: the production database."""

-- A topic's name has upper-case letters, which count only if identifiers are taken as they are written.
set enable_case_sensitive_identifier to true;

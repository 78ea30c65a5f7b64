"""Our own authority: applications, subscriber codes, certificates' states, payments, audit."""

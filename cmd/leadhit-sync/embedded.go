package main

import (
	// What an image made from scratch lacks, for a binary that runs there: time zones, and the authorities that may vouch
	// for LeadHit where the system names none.
	_ "time/tzdata"

	_ "golang.org/x/crypto/x509roots/fallback"
)

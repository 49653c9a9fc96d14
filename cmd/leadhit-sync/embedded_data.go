package main

import (
	// An image from scratch has no time zones, and no certificate authorities to verify LeadHit's certificate with.
	_ "time/tzdata"

	_ "golang.org/x/crypto/x509roots/fallback"
)

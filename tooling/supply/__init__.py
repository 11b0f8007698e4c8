"""What is deployed and what others know of it: template rules, licences, a bill of materials, advisories."""

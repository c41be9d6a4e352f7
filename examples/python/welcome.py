from longshore import longshore

mail = {"template": "welcome", "to": {"email": "ada@example.com"}, "data": {"firstName": "Ada"}}

# Enqueue. Called again with the same key, it answers with the same job.
job = longshore("POST", "/v1/jobs", {"kind": "send_email", "args": mail, "key": "welcome-ada"})

# Wait for its end, 20 s at most.
print(longshore("GET", f"/v1/jobs/{job['id']}?wait=20s")["state"])

# Take one back that waits for its time.
later = longshore("POST", "/v1/jobs", {"kind": "send_email", "args": mail, "in": "1h"})
print(longshore("POST", f"/v1/jobs/{later['id']}/cancel", {"reason": "no longer wanted"})["state"])

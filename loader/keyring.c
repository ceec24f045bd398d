// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "keyring.h"
#include "keys.h"
#include "log.h"

/* A roll-over may come to a node in any order: a key that is not there yet is passed over. */
static int check_signing(const struct keys *keys, const struct policy *policy)
{
	const struct config *config = &policy->config;
	int n = 0;

	for (__u32 i = 0; i < config->n_sign_keys; i++) {
		if (keys_find(keys, config->sign_key[i]))
			n++;
		else
			log_warn("%s: has no key %u, which policy signs with", policy->key_file,
				 config->sign_key[i]);
	}
	if (config->n_sign_keys && !n)
		return err_r(-ENOENT,
			     "%s: has none of the keys that policy signs with; add one, or name "
			     "another in \"sign-with\"",
			     policy->key_file);
	return 0;
}

static int want_keys(struct sync *sync, const struct keys *keys)
{
	int tai_s = keys_tai_offset(), r = 0;

	for (__u32 i = 0; !r && i < keys->n; i++) {
		struct key key = keys_on_tai(&keys->entry[i], tai_s);

		r = sync_want(sync, &keys->entry[i].id, &key);
		explicit_bzero(&key, sizeof(key));
	}
	return r;
}

int keyring_plan(struct sync *sync, const struct maps *maps, const struct policy *policy)
{
	struct keys keys OWN_KEYS = {};
	int r;

	if (policy->key_file) {
		r = keys_read(&keys, policy->key_file, stderr);
		if (r)
			return r < 0 ? r : -EINVAL;
	}
	r = check_signing(&keys, policy);
	if (r)
		return r;
	r = sync_open(sync, maps->keys, sizeof(__u32), sizeof(struct key)) ?: want_keys(sync, &keys);
	return r ? err_r(r, "fantel_keys: can't read it: %s", strerror(-r)) : 0;
}

void keyring_again(const struct maps *maps, const struct policy *policy)
{
	struct sync sync = {};
	int changed, gone, r;

	if (!policy->key_file) {
		log_note("nothing to read again: policy names no key file");
		return;
	}
	r = keyring_plan(&sync, maps, policy);
	if (r) {
		log_error("%s: the keys stay as they were", policy->key_file);
	} else {
		changed = sync_write(&sync);
		gone = changed < 0 ? changed : sync_remove(&sync);
		if (gone < 0)
			log_error("fantel_keys: can't write it: %s", strerror(-gone));
		else
			log_note("%s: read again; keys: new or changed %d, gone %d",
				 policy->key_file, changed, gone);
	}
	sync_free(&sync);
}

static __u64 tai_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_TAI, &t);
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

bool keyring_choose(__u32 *id, struct mac_key *mac, const struct maps *maps,
		    const struct config *config)
{
	__u64 now = tai_ns(), latest_ns = 0;
	bool found = false;

	for (__u32 i = 0; i < config->n_sign_keys; i++) {
		struct key key;

		if (bpf_map_lookup_elem(maps->keys, &config->sign_key[i], &key) ||
		    now < key.from_ns || now >= key.until_ns)
			continue;
		if (found && key.from_ns <= latest_ns)
			continue;
		found = true;
		latest_ns = key.from_ns;
		*id = config->sign_key[i];
		*mac = key.mac;
	}
	return found;
}

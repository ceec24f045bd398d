/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * From one layout of a type to another, as two builds have it, both described by BTF. A member is found
 * again by its name, wherever it stands now. What the earlier build did not have is 0; what this one
 * does not have is left out; a number may have become wider, an array longer, a word of an enum may
 * have another number. Whatever else differs can't be carried over: that takes a new FANTEL_ABI
 * (fantel/abi.h).
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>

#include "fantel/base.h"

struct layout;

#define LAYOUT_WHY 128

/* A type of a build. */
struct layout_type {
	const struct btf *btf;
	__u32 id;
};

/* Are all members where they were, and numbers of enums what they were? Names of types don't matter, nor does what
 * an enum has more. */
bool layout_same(struct layout_type a, struct layout_type b);

/*
 * Returns 0; -ENOMEM; or -EPROTO where it can't be: `why` says of which member, and what of it. Release with
 * layout_free.
 */
int layout_open(struct layout **layout, struct layout_type from, struct layout_type to,
		char why[LAYOUT_WHY]);
void layout_free(struct layout *layout);

/* All of `to` is written. They don't overlap. A word that its enum does not have any more becomes ~0. */
void layout_convert(const struct layout *layout, const void *from, void *to);

__u32 layout_from_size(const struct layout *layout);
__u32 layout_to_size(const struct layout *layout);

/*
 * What was number i of an enum and is place[i] now; ~0: there is no such any more. Both have `count` for how many
 * there are. Returns how many there were, or -EPROTO: the enum is not there. Release
 * *place with free.
 */
int layout_enum(__u32 **place, const struct btf *from, const struct btf *to, const char *name,
		const char *count);

#endif

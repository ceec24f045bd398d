// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The node's place in bpffs. Every command goes through here to find its maps; only run and detach
 * make or remove anything.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "heritage.h"
#include "log.h"
#include "own.h"
#include "pin.h"

#define BPFFS "/sys/fs/bpf"

static void own_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}
#define OWN_DIR __attribute__((cleanup(own_closedir)))

/* ---- names ----------------------------------------------------------------------------------- */

static void swap(char *s, char from, char to)
{
	for (; *s; s++)
		if (*s == from)
			*s = to;
}

static const char *root_of(const char *root)
{
	if (root)
		return root;
	root = getenv("FANTEL_PIN_ROOT");
	return root && *root ? root : PIN_ROOT;
}

int pins_init(struct pins *pins, const char *root, const char *node)
{
	struct pins new = {};
	char word[NAME_LEN];
	size_t len;

	if (!*node || strlen(node) >= NAME_LEN || node[0] == '.' || strpbrk(node, "/:"))
		return err_r(
			-EINVAL,
			"node '%s': can't name a directory; use 1 to %d characters, no slash or "
			"colon, not starting with a dot",
			node, NAME_LEN - 1);
	root = root_of(root);
	len = strlen(root);
	while (len > 1 && root[len - 1] == '/')
		len--;
	if (root[0] != '/' || len >= sizeof(new.root))
		return err_r(-EINVAL, "%s: not an absolute path; give a directory on bpffs", root);
	memcpy(new.root, root, len);
	strcpy(new.node, node);
	strcpy(word, node);
	swap(word, '.', ':');
	snprintf(new.dir, sizeof(new.dir), "%s/%s/v%d", new.root, word, FANTEL_ABI);
	*pins = new;
	return 0;
}

void pins_node_path(const struct pins *pins, char *path)
{
	strcpy(path, pins->dir);
	*strrchr(path, '/') = 0;
}

void pins_map_path(const struct pins *pins, const char *map, char *path)
{
	snprintf(path, PATH_MAX, "%s/maps/%s", pins->dir, map);
}

void pins_layout_path(const struct pins *pins, __u32 btf_id, char *path)
{
	snprintf(path, PATH_MAX, "%s/maps/" LAYOUT_PIN "%u", pins->dir, btf_id);
}

static void port_path(const struct pins *pins, const char *part, const char *ifname, char *path)
{
	int n = snprintf(path, PATH_MAX, "%s/%s/", pins->dir, part);

	snprintf(path + n, PATH_MAX - n, "%s", ifname);
	swap(path + n, '.', ':');
}

void pins_torn_path(const struct pins *pins, char *path)
{
	snprintf(path, PATH_MAX, "%s/torn", pins->dir);
}

void pins_link_path(const struct pins *pins, const char *ifname, char *path)
{
	port_path(pins, "links", ifname, path);
}

void pins_ingress_path(const struct pins *pins, const char *ifname, char *path)
{
	port_path(pins, "ingress", ifname, path);
}

void pins_egress_path(const struct pins *pins, const char *ifname, char *path)
{
	port_path(pins, "egress", ifname, path);
}

/* ---- looking --------------------------------------------------------------------------------- */

/* Walk a directory; a missing one has no entries. */
static int each_entry(const char *dir, int (*fn)(void *arg, const char *name, const char *path),
		      void *arg)
{
	DIR *d OWN_DIR = opendir(dir);
	char path[PATH_MAX];
	struct dirent *e;
	int r = 0;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (!r && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		r = fn(arg, e->d_name, path);
	}
	return r;
}

struct each_link {
	int (*fn)(void *arg, const char *ifname, const char *path);
	void *arg;
};

static int each_link(void *arg, const char *name, const char *path)
{
	const struct each_link *e = arg;
	char ifname[NAME_MAX + 1];

	strcpy(ifname, name);
	swap(ifname, ':', '.');
	return e->fn(e->arg, ifname, path);
}

static int each_port(const char *dir, const char *part,
		     int (*fn)(void *arg, const char *ifname, const char *path), void *arg)
{
	struct each_link e = { fn, arg };
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, part);
	return each_entry(path, each_link, &e);
}

int pins_each_link(const char *dir, int (*fn)(void *arg, const char *ifname, const char *path),
		   void *arg)
{
	return each_port(dir, "links", fn, arg);
}

int pins_each_ingress(const char *dir, int (*fn)(void *arg, const char *ifname, const char *path),
		      void *arg)
{
	return each_port(dir, "ingress", fn, arg);
}

int pins_each_egress(const char *dir, int (*fn)(void *arg, const char *ifname, const char *path),
		     void *arg)
{
	return each_port(dir, "egress", fn, arg);
}

int pins_each_map(const struct pins *pins, int (*fn)(void *arg, const char *map, const char *path),
		  void *arg)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/maps", pins->dir);
	return each_entry(path, fn, arg);
}

struct each_version {
	int (*fn)(void *arg, const char *dir);
	void *arg;
};

static int each_version(void *arg, const char *name, const char *path)
{
	const struct each_version *e = arg;

	return name[0] == 'v' ? e->fn(e->arg, path) : 0;
}

int pins_each_version(const struct pins *pins, int (*fn)(void *arg, const char *dir), void *arg)
{
	struct each_version e = { fn, arg };
	char node[PATH_MAX];

	pins_node_path(pins, node);
	return each_entry(node, each_version, &e);
}

static int found(void *arg, const char *dir)
{
	return 1;
}

bool pins_exist(const struct pins *pins, bool all)
{
	return all ? pins_each_version(pins, found, NULL) == 1 : access(pins->dir, F_OK) == 0;
}

static bool on_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (__u32)fs.f_type == BPF_FS_MAGIC;
}

/* The nearest part of the path that is there decides on which file system the rest will be. */
static bool will_be_on_bpffs(const char *path)
{
	char part[PATH_MAX];

	snprintf(part, sizeof(part), "%s", path);
	while (access(part, F_OK) && strrchr(part, '/') > part)
		*strrchr(part, '/') = 0;
	return on_bpffs(part);
}

bool pins_on_bpffs(const struct pins *pins)
{
	return will_be_on_bpffs(pins->root);
}

/* The nodes under a root, as a list for a sentence. */
struct names {
	int n;
	char one[NAME_LEN];
	char list[512];
};

static int is_version(void *arg, const char *name, const char *path)
{
	return name[0] == 'v';
}

/* A directory without any version is what a detach that was killed has left. */
static int add_name(void *arg, const char *name, const char *path)
{
	struct names *names = arg;
	size_t len = strlen(names->list);

	if (each_entry(path, is_version, NULL) != 1)
		return 0;

	snprintf(names->one, sizeof(names->one), "%.*s", NAME_LEN - 1, name);
	swap(names->one, ':', '.');
	snprintf(names->list + len, sizeof(names->list) - len, "%s%s", names->n++ ? ", " : "",
		 names->one);
	return 0;
}

int pins_error(int r, const char *path)
{
	if (r == -EACCES || r == -EPERM)
		return err_r(r, "%s: no permission; be root", path);
	if (r == -EROFS)
		return err_r(r, "%s: bpffs is mounted read-only there; `mount -o remount,rw` it", path);
	return err_r(r, "%s: %s", path, strerror(-r));
}

int pins_find_any(struct pins *pins, const char *root, const char *node)
{
	struct names names = {};
	struct pins new;
	int r;

	root = root_of(root);
	r = each_entry(root, add_name, &names);
	if (r)
		return pins_error(r, root);
	if (!names.n && !will_be_on_bpffs(root))
		return err_r(-ENOENT,
			     "%s: no bpffs is mounted there, so no node is to be seen; start one with `fantel "
			     "run` or, if one runs, mount bpffs there again", root);
	if (!names.n)
		return err_r(-ENOENT,
			     "no node runs here (there is none in %s); start one with `fantel run`",
			     root);
	if (!node && names.n > 1)
		return err_r(-EINVAL, "several nodes run here: %s; name one with --node",
			     names.list);
	r = pins_init(&new, root, node ?: names.one);
	if (r)
		return r;
	if (!pins_exist(&new, true))
		return err_r(-ENOENT, "node %s does not run here; there is %s", new.node,
			     names.list);
	*pins = new;
	return 0;
}

int pins_find(struct pins *pins, const char *root, const char *node)
{
	struct pins new;
	int r;

	r = pins_find_any(&new, root, node);
	if (r)
		return r;
	if (!pins_exist(&new, false))
		return err_r(
			-EPROTO,
			"node %s runs another version of fantel (not ABI %d); use that version, "
			"or `fantel detach --purge` and start again",
			new.node, FANTEL_ABI);
	*pins = new;
	return 0;
}

int pins_map(const struct pins *pins, const char *map)
{
	char path[PATH_MAX];
	int fd OWN_FD = -1;

	pins_map_path(pins, map, path);
	fd = bpf_obj_get(path);
	if (fd >= 0 && heritage_is_ours(pins, map, fd))
		return take_fd(fd);
	if (fd >= 0)
		return err_r(-EPROTO,
			     "node %s: its maps were made by another build of fantel (%s differs); use that one's "
			     "commands, or `fantel run` of this build, which takes over",
			     pins->node, map);
	fd = -errno;
	if (fd == -ENOENT)
		return err_r(fd,
			     "%s: no such map; is node %s still starting, or half removed? "
			     "`fantel detach` clears it",
			     path, pins->node);
	return pins_error(fd, path);
}

/* ---- making and removing --------------------------------------------------------------------- */

static int mount_bpffs(const struct pins *pins)
{
	if (will_be_on_bpffs(pins->root))
		return 0;
	if (strcmp(pins->root, PIN_ROOT))
		return err_r(
			-EINVAL,
			"%s: not on bpffs; `mount -t bpf bpf DIR` there, or leave --pin-root out",
			pins->root);
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		return err_r(-errno,
			     BPFFS ": can't mount bpffs (%s); run `mount -t bpf bpf " BPFFS
				   "` as root",
			     strerror(errno));
	log_info("mounted bpffs on " BPFFS);
	return 0;
}

/* A detach elsewhere may remove an empty directory that we just saw: then once more. */
static int make_path(char *path)
{
	int tries = 3, r = 0;
	char *slash = path;

	do {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = 0;
		r = mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
		if (slash)
			*slash = '/';
		if (r == -ENOENT && --tries)
			slash = path;
		else if (r)
			break;
	} while (slash);
	return r;
}

int pins_make(const struct pins *pins)
{
	static const char *const parts[] = { "maps", "links", "ingress", "egress" };
	char path[PATH_MAX];
	unsigned int i;
	int r;

	r = mount_bpffs(pins);
	if (r)
		return r;
	for (i = 0; !r && i < ARRAY_SIZE(parts); i++) {
		snprintf(path, sizeof(path), "%s/%s", pins->dir, parts[i]);
		r = make_path(path);
	}
	return r ? pins_error(r, path) : 0;
}

static int remove_file(void *arg, const char *name, const char *path)
{
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

static int remove_version(void *arg, const char *dir)
{
	static const char *const parts[] = { "egress", "links", "ingress", "maps", "torn" };
	char path[PATH_MAX];
	unsigned int i;
	int r;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, parts[i]);
		r = each_entry(path, remove_file, NULL);
		if (!r && rmdir(path) && errno != ENOENT)
			r = -errno;
		if (r)
			return pins_error(r, path);
	}
	return rmdir(dir) && errno != ENOENT ? pins_error(-errno, dir) : 0;
}

int pins_remove(const struct pins *pins, bool all)
{
	char node[PATH_MAX];
	int r;

	r = all ? pins_each_version(pins, remove_version, NULL) : remove_version(NULL, pins->dir);
	if (r)
		return r;
	/* Directories that still hold something stay: other versions, other nodes. */
	pins_node_path(pins, node);
	if (rmdir(node) == 0)
		rmdir(pins->root);
	return 0;
}

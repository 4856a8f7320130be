/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* nvmf.h, on a host made of files: nvme0 is local, nvme3 and nvme4 are fabrics controllers. */
#include <nvmf.h>
#include <poll.h>
#include <unistd.h>

#include "check.h"

#define IOC "transport=tcp;traddr=192.0.2.10;trsvcid=4420;nqn=nqn.2014-08.org.example:a"

static struct nvmf_host *host;

static void owners(void)
{
	uint64_t ino, other, since = nvmf_uevent_seqnum(host);
	char *text = (char *)"untouched";

	CHECK(since == 4711);
	RETURNS(0, nvmf_controller_ino(host, "nvme3", &ino));
	RETURNS(0, nvmf_controller_ino(host, "/dev/nvme4", &other));
	CHECK(ino != other);
	RETURNS(-ENODEV, nvmf_controller_ino(host, "nvme9", &other));
	RETURNS(-ENODEV, nvmf_controller_ino(host, "nvme0", &other));

	RETURNS(-ENOENT, nvmf_registry_owner(host, "nvme3", 0, &text));
	CHECK(text == NULL);
	RETURNS(0, nvmf_registry_claim(host, "nvme3", ino, "me", &text));
	CHECK(text == NULL);
	RETURNS(0, nvmf_registry_claim(host, "nvme3", 0, "me", NULL));
	RETURNS(-EBUSY, nvmf_registry_claim(host, "nvme3", 0, "you", &text));
	CHECK(is(text, "me"));
	RETURNS(-EBUSY, nvmf_registry_claim(host, "nvme3", 0, "you", NULL));
	RETURNS(-ENODEV, nvmf_registry_claim(host, "nvme3", ino + 1, "you", &text));
	CHECK(text == NULL);
	RETURNS(-EINVAL, nvmf_registry_claim(host, "nvme3", ino, "two words", NULL));
	CHECK(strstr(text = nvmf_error_message(), "two words"));
	free(text);
	RETURNS(-EOPNOTSUPP, nvmf_registry_claim(host, "nvme0", 0, "me", NULL));
	RETURNS(0, nvmf_registry_owner(host, "nvme3", ino, &text));
	CHECK(is(text, "me"));
	RETURNS(-ENOENT, nvmf_registry_owner(host, "nvme3", ino + 1, &text));

	RETURNS(-EBUSY, nvmf_registry_release(host, "nvme3", "you", &text));
	CHECK(is(text, "me"));
	RETURNS(0, nvmf_registry_release(host, "nvme3", "me", &text));
	RETURNS(-ENOENT, nvmf_registry_release(host, "nvme3", "me", NULL));

	RETURNS(0, nvmf_registry_register(host, "nvme3", ino, since, "me", &text));
	RETURNS(-EBUSY, nvmf_registry_register(host, "nvme3", ino, 0, "you", &text));
	CHECK(is(text, "me"));
	RETURNS(-ENODEV, nvmf_registry_register(host, "nvme9", ino, 0, NULL, NULL));
	RETURNS(-ENODEV, nvmf_registry_register(host, "nvme3", ino + 1, 0, NULL, NULL));
}

static void attributes(void)
{
	char *text;

	RETURNS(0, nvmf_registry_set(host, "nvme3", "volume", "pvc 0042 \"q\" \xc3\xa4"));
	RETURNS(0, nvmf_registry_get(host, "nvme3", "volume", &text));
	CHECK(is(text, "pvc 0042 \"q\" \xc3\xa4"));
	RETURNS(-EINVAL, nvmf_registry_set(host, "nvme3", "volume", "two\nlines"));
	RETURNS(-EINVAL, nvmf_registry_set(host, "nvme3", "../volume", "x"));
	RETURNS(-EINVAL, nvmf_registry_get(host, "nvme3", "../../../etc/hostname", &text));
	RETURNS(-EPERM, nvmf_registry_set(host, "nvme3", "sysfs-ino", "1"));
	RETURNS(-ENODEV, nvmf_registry_set(host, "nvme9", "volume", "x"));
	RETURNS(0, nvmf_registry_set(host, "nvme3", "volume", NULL));
	RETURNS(-ENOENT, nvmf_registry_set(host, "nvme3", "volume", NULL));
	RETURNS(-ENOENT, nvmf_registry_get(host, "nvme3", "volume", &text));
	CHECK(text == NULL);
}

struct seen {
	char text[200];
};

static void add(struct seen *seen, const char *a, const char *b, const char *c, const char *d)
{
	size_t used = strlen(seen->text);

	snprintf(seen->text + used, sizeof(seen->text) - used, "%s %s %s %s|", a, b ? b : "-",
		 c ? c : "-", d ? d : "-");
}

static void entry(const char *device, const char *owner, void *user_data)
{
	/* a callback may ask for more */
	char *again;

	if (nvmf_registry_owner(host, device, 0, &again) == 0)
		CHECK(is(again, owner));
	add(user_data, device, owner, NULL, NULL);
}

static void change(const struct nvmf_registry_change *change, void *user_data)
{
	CHECK(change->entry == (change->attribute ? 0 : change->after || !change->before ? 1 : -1));
	if (change->attribute && strcmp(change->attribute, "owner") &&
	    strcmp(change->attribute, "note"))
		return;
	add(user_data, change->device, change->attribute, change->before, change->after);
}

static void watch(const char *folder)
{
	char from[400], to[400];
	struct nvmf_registry_watch *watch;
	struct seen seen = { "" };
	struct pollfd ready = { .events = POLLIN };

	RETURNS(1, nvmf_registry_for_each(host, entry, &seen));
	CHECK(!strcmp(seen.text, "nvme3 me - -|"));

	RETURNS(0, nvmf_registry_watch_new(host, &watch));
	ready.fd = nvmf_registry_watch_fd(watch);
	CHECK(ready.fd >= 0);
	CHECK(poll(&ready, 1, 0) == 0);
	RETURNS(0, nvmf_registry_watch_changes(watch, change, &seen));

	seen.text[0] = 0;
	RETURNS(0, nvmf_registry_claim(host, "nvme4", 0, "you", NULL));
	CHECK(poll(&ready, 1, -1) == 1);
	RETURNS(1, nvmf_registry_watch_changes(watch, change, &seen));
	RETURNS(0, nvmf_registry_set(host, "nvme4", "note", "x"));
	CHECK(nvmf_registry_watch_changes(watch, change, &seen) == 1);
	RETURNS(0, nvmf_registry_release(host, "nvme4", "you", NULL));
	CHECK(nvmf_registry_watch_changes(watch, change, &seen) == 1);
	CHECK(!strcmp(seen.text, "nvme4 - - you|nvme4 note - x|nvme4 owner you -|"));

	seen.text[0] = 0;
	RETURNS(0, nvmf_registry_claim(host, "nvme4", 0, "you", NULL));
	RETURNS(1, nvmf_registry_watch_changes(watch, change, &seen));
	snprintf(from, sizeof(from), "%s/run/nvme/registry/nvme4", folder);
	snprintf(to, sizeof(to), "%s/run/nvme/registry/.trash.000000", folder);
	CHECK(rename(from, to) == 0);
	RETURNS(1, nvmf_registry_watch_changes(watch, change, &seen));
	CHECK(!strcmp(seen.text, "nvme4 owner - you|nvme4 - you -|"));
	nvmf_registry_watch_free(watch);
}

/* What was written to a controller's delete_controller. */
static int deleted(const char *folder, const char *device)
{
	char path[400];
	FILE *file;
	int c;

	snprintf(path, sizeof(path), "%s/sys/class/nvme/%s/delete_controller", folder, device);
	file = fopen(path, "r");
	CHECK(file);
	c = fgetc(file);
	fclose(file);
	return c == '1';
}

static void disconnects(const char *folder)
{
	char path[400];
	uint64_t ino;
	char *text;

	RETURNS(0, nvmf_controller_ino(host, "nvme4", &ino));
	RETURNS(-ENOENT, nvmf_disconnect(host, "nvme4", ino, "me", NULL));
	RETURNS(0, nvmf_registry_claim(host, "nvme4", ino, "you", NULL));
	RETURNS(-EBUSY, nvmf_disconnect(host, "nvme4", ino, "me", &text));
	CHECK(is(text, "you"));
	RETURNS(-ENODEV, nvmf_disconnect(host, "nvme4", ino + 1, "you", &text));
	RETURNS(-ENODEV, nvmf_disconnect(host, "nvme9", ino, "you", NULL));
	RETURNS(-ENODEV, nvmf_disconnect(host, "nvme0", ino, "you", NULL));
	CHECK(!deleted(folder, "nvme4"));
	RETURNS(0, nvmf_disconnect(host, "nvme4", ino, "you", &text));
	CHECK(text == NULL);
	snprintf(path, sizeof(path), "%s/sys/class/nvme/nvme4/state", folder);
	CHECK(unlink(path) == 0); /* as when it is gone, and its directory with it */
	RETURNS(0, nvmf_registry_set(host, "nvme4", "owner", "they"));
	RETURNS(-ENODEV, nvmf_disconnect(host, "nvme4", ino, "you", NULL));
	CHECK(deleted(folder, "nvme4") && !deleted(folder, "nvme3") && !deleted(folder, "nvme0"));
}

static void ids(void)
{
	struct nvmf_tid *tid, *same, *none = (struct nvmf_tid *)&host;

	RETURNS(0, nvmf_tid_parse(" traddr=::ffff:192.0.2.10;transport=tcp;;trsvcid=4420;"
				  "nqn=nqn.2014-08.org.example:a",
				  &tid));
	CHECK(is(nvmf_tid_text(tid), IOC));
	CHECK(is(nvmf_tid_log_text(tid), "(tcp, 192.0.2.10, 4420, nqn.2014-08.org.example:a)"));
	CHECK(is(nvmf_tid_field(tid, "traddr"), "192.0.2.10"));
	CHECK(nvmf_tid_field(tid, "host-iface") == NULL);
	CHECK(nvmf_tid_field(tid, "nonsense") == NULL);
	RETURNS(0, nvmf_tid_parse(IOC, &same));
	CHECK(nvmf_tid_equal(tid, same));
	CHECK(!nvmf_tid_equal(tid, NULL));
	nvmf_tid_free(same);

	RETURNS(-EINVAL, nvmf_tid_parse("transport=tcp;traddr=host.example;nqn=x", &none));
	CHECK(none == NULL);
	CHECK(is(nvmf_error_message(),
		 "transport id: traddr: `host.example` is not a numeric IP address"));
	nvmf_tid_free(tid);
}

static void exclusions(const char *folder)
{
	struct nvmf_tid *tid;
	char path[400], *text;
	FILE *file;

	RETURNS(0, nvmf_tid_parse(IOC, &tid));
	RETURNS(0, nvmf_exclusion_match(host, tid, false, &text));
	CHECK(text == NULL);
	snprintf(path, sizeof(path), "%s/etc/nvme/exclusions.conf", folder);
	file = fopen(path, "w");
	CHECK(file);
	fputs("[exclusions]\nexclusion = traddr=192.0.2.10;trsvcid=4420\n", file);
	fclose(file);
	RETURNS(1, nvmf_exclusion_match(host, tid, false, NULL));
	RETURNS(1, nvmf_exclusion_match(host, tid, false, &text));
	CHECK(strstr(text, "exclusions.conf:2: traddr=192.0.2.10;trsvcid=4420"));
	free(text);
	nvmf_tid_free(tid);
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	host = nvmf_host_new(argv[1]);
	CHECK(host);
	owners();
	attributes();
	watch(argv[1]);
	disconnects(argv[1]);
	ids();
	exclusions(argv[1]);
	nvmf_host_free(host);
	return 0;
}

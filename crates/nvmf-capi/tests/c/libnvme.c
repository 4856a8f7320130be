/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program that was written for libnvme, in a test folder below /tmp. */
#include <nvme/exclusion.h>
#include <nvme/lib.h>
#include <nvme/registry.h>
#include <nvme/tid.h>
#include <sys/stat.h>

#include "check.h"

static struct libnvme_global_ctx *ctx;

struct seen {
	char text[400];
};

static void one(const char *text, void *user_data)
{
	struct seen *seen = user_data;
	size_t used = strlen(seen->text);

	snprintf(seen->text + used, sizeof(seen->text) - used, "%s|", text);
}

static void pair(const char *attr, const char *value, void *user_data)
{
	/* bookkeeping has numbers of its own each time */
	if (!strcmp(attr, "sysfs-ino") || !strcmp(attr, "seqnum"))
		return;
	one(attr, user_data);
	one(value, user_data);
}

static void registry(void)
{
	struct seen seen = { "" };
	char *value = NULL;

	RETURNS(0, libnvmf_registry_device_for_each(ctx, one, &seen));
	RETURNS(-ENOENT, libnvmf_registry_retrieve(ctx, "nvme4", "owner", &value));
	RETURNS(0, libnvmf_registry_attr_equal(ctx, "nvme4", "owner", NULL));
	RETURNS(1, libnvmf_registry_attr_equal(ctx, "nvme4", "owner", "stas"));
	RETURNS(-ENOENT, libnvmf_registry_delete(ctx, "nvme4"));
	RETURNS(-ENOENT, libnvmf_registry_attr_for_each(ctx, "nvme4", pair, &seen));

	RETURNS(0, libnvmf_registry_update(ctx, "nvme4", "owner", "stas"));
	RETURNS(0, libnvmf_registry_update(ctx, "nvme10", "owner", "nbft"));
	RETURNS(0, libnvmf_registry_update(ctx, "nvme4", "extra", "hello world"));
	RETURNS(0, libnvmf_registry_retrieve(ctx, "nvme4", "owner", &value));
	CHECK(is(value, "stas"));
	RETURNS(0, libnvmf_registry_attr_equal(ctx, "nvme4", "owner", "stas"));
	RETURNS(1, libnvmf_registry_attr_equal(ctx, "nvme4", "owner", "nbft"));
	RETURNS(1, libnvmf_registry_attr_equal(ctx, "nvme4", "owner", NULL));
	RETURNS(-EINVAL, libnvmf_registry_attr_equal(ctx, "nvme4", "../owner", "stas"));
	RETURNS(0, libnvmf_registry_device_for_each(ctx, one, &seen));
	RETURNS(0, libnvmf_registry_attr_for_each(ctx, "nvme4", pair, &seen));
	CHECK(!strcmp(seen.text, "nvme4|nvme10|extra|hello world|owner|stas|"));

	RETURNS(0, libnvmf_registry_update(ctx, "nvme4", "extra", NULL));
	RETURNS(-ENOENT, libnvmf_registry_retrieve(ctx, "nvme4", "extra", &value));
	RETURNS(-EINVAL, libnvmf_registry_update(ctx, "../nvme4", "owner", "x"));
	RETURNS(-EINVAL, libnvmf_registry_update(ctx, "nvme4", "own/er", "x"));
	RETURNS(0, libnvmf_registry_delete(ctx, "nvme4"));
	RETURNS(0, libnvmf_registry_delete(ctx, "nvme10"));
}

static struct libnvmf_tid *tid(const char *text)
{
	struct libnvmf_tid *tid;

	RETURNS(0, libnvmf_tid_parse_strict(NULL, text, &tid));
	return tid;
}

static int excluded(const char *text)
{
	struct libnvmf_tid *t = tid(text);
	int match = libnvmf_exclusion_match(ctx, t);

	libnvmf_tid_free(t);
	return match;
}

static void exclusions(const char *folder)
{
	struct seen seen = { "" };
	struct stat stat_of;
	char path[400];

	CHECK(!excluded("transport=tcp;traddr=::1"));
	RETURNS(-ENOENT, libnvmf_exclusion_entry_for_each(ctx, "list", one, &seen));
	RETURNS(-ENOENT, libnvmf_exclusion_remove(ctx, "list", "nqn=a"));
	RETURNS(-ENOENT, libnvmf_exclusion_delete(ctx, "list"));
	RETURNS(0, libnvmf_exclusion_create(ctx, "list"));
	RETURNS(-EEXIST, libnvmf_exclusion_create(ctx, "list"));
	RETURNS(-EINVAL, libnvmf_exclusion_create(ctx, "../list"));
	RETURNS(0, libnvmf_exclusion_create(ctx, NULL));
	RETURNS(-EEXIST, libnvmf_exclusion_create(ctx, ""));
	snprintf(path, sizeof(path), "%s/exclusions.conf.d/list.conf", folder);
	CHECK(stat(path, &stat_of) == 0 && (stat_of.st_mode & 07777) == 0644);

	RETURNS(0, libnvmf_exclusion_add(ctx, "list", "transport=tcp; traddr=0::1"));
	RETURNS(-EINVAL, libnvmf_exclusion_add(ctx, "list", "transport=tcp;tradr=::1"));
	RETURNS(-EINVAL, libnvmf_exclusion_add(ctx, "list", ""));
	RETURNS(0, libnvmf_exclusion_add_subsysnqn(ctx, NULL, "nqn.2014-08.org.example:b"));
	RETURNS(-EINVAL, libnvmf_exclusion_add_subsysnqn(ctx, NULL, ""));
	RETURNS(-EINVAL, libnvmf_exclusion_add_subsysnqn(ctx, NULL, "a;b"));
	RETURNS(0, libnvmf_exclusion_list_for_each(ctx, one, &seen));
	RETURNS(0, libnvmf_exclusion_entry_for_each(ctx, "list", one, &seen));
	RETURNS(0, libnvmf_exclusion_entry_for_each(ctx, "", one, &seen));
	CHECK(!strcmp(seen.text,
		      "|list|transport=tcp;traddr=0::1|nqn=nqn.2014-08.org.example:b|"));

	CHECK(excluded("transport=tcp;traddr=::1"));
	CHECK(!excluded("transport=rdma;traddr=::1"));
	CHECK(!excluded("traddr=::1"));
	CHECK(excluded("nqn=nqn.2014-08.org.example:b"));
	CHECK(!excluded(""));
	CHECK(libnvmf_exclusion_entry_valid(ctx, "transport=tcp;;"));
	CHECK(!libnvmf_exclusion_entry_valid(ctx, "transport"));
	CHECK(!libnvmf_exclusion_entry_valid(ctx, "transprot=tcp"));

	RETURNS(-ENOENT, libnvmf_exclusion_remove(ctx, "list", "transport=tcp"));
	RETURNS(0, libnvmf_exclusion_remove(ctx, "list", "transport=tcp;traddr=0::1"));
	CHECK(!excluded("transport=tcp;traddr=::1"));
	RETURNS(0, libnvmf_exclusion_delete(ctx, "list"));
	RETURNS(0, libnvmf_exclusion_remove(ctx, NULL, "nqn=nqn.2014-08.org.example:b"));
	RETURNS(0, libnvmf_exclusion_delete(ctx, NULL));
	RETURNS(-ENOENT, libnvmf_exclusion_delete(ctx, NULL));
}

static void editors(void)
{
	uint64_t none = 7, first, second;
	char *text;

	RETURNS(0, libnvmf_exclusion_read(ctx, "edited", &text, &none));
	CHECK(none == 0);
	CHECK(is(text, ""));
	RETURNS(-EINVAL, libnvmf_exclusion_write(ctx, "edited", "[exclusions]\nexclusion = x\n", none));
	RETURNS(-EINVAL, libnvmf_exclusion_write(ctx, "edited", "exclusion = nqn=a\n", none));
	RETURNS(0, libnvmf_exclusion_write(ctx, "edited", "[exclusions]\nexclusion = nqn=a\n", none));
	RETURNS(-ESTALE, libnvmf_exclusion_write(ctx, "edited", "[exclusions]\n", none));
	RETURNS(0, libnvmf_exclusion_read(ctx, "edited", &text, &first));
	CHECK(first != 0);
	CHECK(is(text, "[exclusions]\nexclusion = nqn=a\n"));
	RETURNS(0, libnvmf_exclusion_add(ctx, "edited", "nqn=b"));
	RETURNS(-ESTALE, libnvmf_exclusion_write(ctx, "edited", "[exclusions]\n", first));
	RETURNS(0, libnvmf_exclusion_read(ctx, "edited", &text, &second));
	CHECK(second != first);
	CHECK(strstr(text, "nqn=b"));
	free(text);
	RETURNS(0, libnvmf_exclusion_write(ctx, "edited", "[exclusions]\n", second));
	RETURNS(-ESTALE, libnvmf_exclusion_write(ctx, "never", "[exclusions]\n", second));
	RETURNS(0, libnvmf_exclusion_delete(ctx, "edited"));
}

static void ids(void)
{
	struct libnvmf_tid *t, *copy;
	FILE *log = tmpfile();
	char line[200] = "";

	RETURNS(0, libnvmf_tid_from_fields("tcp", "0:0::1", "8009", NULL, NULL, "", NULL, NULL, &t));
	CHECK(!strcmp(libnvmf_tid_get_traddr(t), "::1"));
	CHECK(!strcmp(libnvmf_tid_get_trsvcid(t), "8009"));
	CHECK(!strcmp(libnvmf_tid_get_transport(t), "tcp"));
	CHECK(!libnvmf_tid_get_subsysnqn(t) && !libnvmf_tid_get_host_iface(t));
	CHECK(!strcmp(libnvmf_tid_get_canonical(t), "transport=tcp;traddr=::1;trsvcid=8009"));
	CHECK(!strcmp(libnvmf_tid_str(t), "(tcp, ::1, 8009)"));

	RETURNS(-EINVAL, libnvmf_tid_set_identity(t, NULL, NULL,
						  "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"));
	copy = libnvmf_tid_dup(t);
	RETURNS(0, libnvmf_tid_set_identity(
			   t, "nqn.2014-08.org.example:a",
			   "nqn.2014-08.org.nvmexpress:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
			   NULL));
	CHECK(!strcmp(libnvmf_tid_get_hostid(t), "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"));
	CHECK(!strcmp(libnvmf_tid_get_subsysnqn(t), "nqn.2014-08.org.example:a"));
	CHECK(!strcmp(libnvmf_tid_str(t), "(tcp, ::1, 8009, nqn.2014-08.org.example:a)"));
	RETURNS(0, libnvmf_tid_set_identity(t, NULL, "nqn.2014-08.org.example:h", NULL));
	CHECK(!strcmp(libnvmf_tid_get_hostid(t), "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"));
	CHECK(!libnvmf_tid_get_hostnqn(copy));
	libnvmf_tid_free(copy);
	libnvmf_tid_free(t);

	RETURNS(-EINVAL, libnvmf_tid_from_fields("tcp", "host.example", NULL, NULL, NULL, NULL,
						 NULL, NULL, &t));
	CHECK(t == NULL);
	RETURNS(-EINVAL, libnvmf_tid_parse(ctx, "transport=rdma;host-traddr=x", &t));
	RETURNS(0, libnvmf_tid_new(&t));
	CHECK(libnvmf_tid_is_empty(t));
	CHECK(!strcmp(libnvmf_tid_get_canonical(t), ""));
	libnvmf_tid_free(t);

	/* what is not understood is said, and left out */
	libnvme_set_logging_file(ctx, log);
	RETURNS(0, libnvmf_tid_parse(ctx, "transport=tcp;oops;nqn=;Nqn=a; traddr = ::1 ;", &t));
	CHECK(!strcmp(libnvmf_tid_get_canonical(t), "transport=tcp;traddr=::1"));
	libnvmf_tid_free(t);
	rewind(log);
	CHECK(fgets(line, sizeof(line), log) && strstr(line, "`oops` is not key=value"));
	CHECK(fgets(line, sizeof(line), log) && strstr(line, "`nqn` has no value"));
	CHECK(fgets(line, sizeof(line), log) && strstr(line, "unknown field `Nqn`"));
	libnvme_set_logging_file(ctx, NULL);
	fclose(log);
	libnvme_set_logging_level(ctx, LIBNVME_LOG_ERR, false, true);
	RETURNS(-EINVAL, libnvmf_tid_parse_strict(ctx, "transport=tcp;oops", &t));
	RETURNS(-EINVAL, libnvmf_tid_parse_strict(ctx, "nqn=", &t));
	RETURNS(0, libnvmf_tid_parse_strict(ctx, "transport=fc;traddr=NN-0x10001100AB000001,"
						 "pn-0x20001100ab000001;;",
					    &t));
	CHECK(!strcmp(libnvmf_tid_get_traddr(t),
		      "nn-0x10001100ab000001:pn-0x20001100ab000001"));
	libnvmf_tid_free(t);

	/* short numbers keep their length, and a loop target may be called anything */
	t = tid("transport=fc;traddr=nn-0x1,pn-0x2;host-traddr=nn-0x3,pn-0x4");
	CHECK(!strcmp(libnvmf_tid_get_traddr(t), "nn-0x1:pn-0x2"));
	CHECK(!strcmp(libnvmf_tid_get_host_traddr(t), "nn-0x3:pn-0x4"));
	libnvmf_tid_free(t);
	RETURNS(-EINVAL, libnvmf_tid_parse(ctx, "transport=fc;traddr=21:00:00:e0:8b:05:05:01", &t));
	t = tid("transport=loop;traddr=any thing");
	CHECK(!strcmp(libnvmf_tid_get_traddr(t), "any thing"));
	libnvmf_tid_free(t);

	CHECK(libnvmf_traddr_is_numeric("192.0.2.1"));
	CHECK(libnvmf_traddr_is_numeric("fe80::1%eth0"));
	CHECK(!libnvmf_traddr_is_numeric("host.example"));
}

static void contexts(const char *folder)
{
	bool pid = true, stamp = false;

	RETURNS(0, libnvme_get_logging_level(ctx, &pid, &stamp));
	CHECK(!pid && stamp);
	RETURNS(0, libnvme_set_owner(ctx, "stas"));
	RETURNS(-EINVAL, libnvme_set_owner(ctx, "two words"));
	RETURNS(-EINVAL, libnvme_set_test_base_dir(ctx, "/etc"));
	RETURNS(-EINVAL, libnvme_set_test_base_dir(ctx, "/tmp/../etc"));
	RETURNS(-EINVAL, libnvme_set_test_base_dir(ctx, "/tmpfolder"));
	/* with a sysfs there are the controllers that it has, and no others */
	RETURNS(0, libnvme_set_test_sysfs_dir(ctx, folder));
	RETURNS(-ENODEV, libnvmf_registry_update(ctx, "nvme4", "owner", "stas"));
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	ctx = libnvme_create_global_ctx();
	CHECK(ctx);
	RETURNS(0, libnvme_set_test_base_dir(ctx, argv[1]));
	registry();
	exclusions(argv[1]);
	editors();
	ids();
	contexts(argv[1]);
	libnvme_free_global_ctx(ctx);
	return 0;
}

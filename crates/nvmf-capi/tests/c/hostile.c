/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* NULL, and bytes that are not UTF-8, wherever a pointer can be. */
#include <libnvme.h>
#include <nvmf.h>

#include "check.h"

#define BAD "nvme\xff\xfe"

static void never_1(const char *a, void *user_data)
{
	(void)a;
	(void)user_data;
	CHECK(!"called");
}

static void never_2(const char *a, const char *b, void *user_data)
{
	(void)b;
	never_1(a, user_data);
}

static void never_3(const struct nvmf_registry_change *change, void *user_data)
{
	(void)change;
	never_1(NULL, user_data);
}

static void own(const char *folder)
{
	struct nvmf_host *h = nvmf_host_new(folder);
	struct nvmf_registry_watch *w;
	struct nvmf_tid *t;
	uint64_t n;
	char *s;

	CHECK(!nvmf_host_new(BAD));
	CHECK(strstr(s = nvmf_error_message(), "is not UTF-8"));
	free(s);
	nvmf_host_free(NULL);
	RETURNS(-EINVAL, nvmf_controller_ino(NULL, "nvme3", &n));
	RETURNS(-EINVAL, nvmf_controller_ino(h, NULL, &n));
	RETURNS(-EINVAL, nvmf_controller_ino(h, BAD, &n));
	RETURNS(-EINVAL, nvmf_controller_ino(h, "nvme3", NULL));
	CHECK(nvmf_uevent_seqnum(NULL) == 0);
	for (int i = 0; i < 2; i++) {
		const char *bad = i ? BAD : NULL;

		RETURNS(-EINVAL, nvmf_registry_owner(h, bad, 0, &s));
		RETURNS(-EINVAL, nvmf_registry_claim(h, bad, 0, "me", &s));
		RETURNS(-EINVAL, nvmf_registry_claim(h, "nvme3", 0, bad, NULL));
		RETURNS(-EINVAL, nvmf_registry_register(h, bad, 1, 0, "me", &s));
		RETURNS(-EINVAL, nvmf_registry_release(h, bad, "me", &s));
		RETURNS(-EINVAL, nvmf_registry_release(h, "nvme3", bad, NULL));
		RETURNS(-EINVAL, nvmf_disconnect(h, bad, 1, "me", &s));
		RETURNS(-EINVAL, nvmf_disconnect(h, "nvme3", 1, bad, NULL));
		RETURNS(-EINVAL, nvmf_registry_get(h, bad, "owner", &s));
		RETURNS(-EINVAL, nvmf_registry_get(h, "nvme3", bad, &s));
		RETURNS(-EINVAL, nvmf_registry_set(h, bad, "note", "x"));
		RETURNS(-EINVAL, nvmf_registry_set(h, "nvme3", bad, "x"));
		RETURNS(-EINVAL, nvmf_tid_parse(bad, &t));
	}
	RETURNS(-EINVAL, nvmf_registry_register(h, "nvme3", 1, 0, BAD, NULL));
	RETURNS(-EINVAL, nvmf_registry_set(h, "nvme3", "note", BAD));
	RETURNS(-EINVAL, nvmf_registry_owner(NULL, "nvme3", 0, &s));
	RETURNS(-EINVAL, nvmf_registry_owner(h, "nvme3", 0, NULL));
	RETURNS(-EINVAL, nvmf_registry_claim(NULL, "nvme3", 0, "me", &s));
	RETURNS(-EINVAL, nvmf_registry_register(NULL, "nvme3", 1, 0, "me", NULL));
	RETURNS(-EINVAL, nvmf_registry_release(NULL, "nvme3", "me", NULL));
	RETURNS(-EINVAL, nvmf_disconnect(NULL, "nvme3", 1, "me", &s));
	RETURNS(-EINVAL, nvmf_registry_get(NULL, "nvme3", "owner", &s));
	RETURNS(-EINVAL, nvmf_registry_get(h, "nvme3", "owner", NULL));
	RETURNS(-EINVAL, nvmf_registry_set(NULL, "nvme3", "note", "x"));
	RETURNS(-EINVAL, nvmf_registry_for_each(NULL, never_2, NULL));
	RETURNS(-EINVAL, nvmf_registry_for_each(h, NULL, NULL));
	RETURNS(0, nvmf_registry_for_each(h, never_2, NULL));
	RETURNS(-EINVAL, nvmf_registry_watch_new(NULL, &w));
	RETURNS(-EINVAL, nvmf_registry_watch_new(h, NULL));
	RETURNS(-EINVAL, nvmf_registry_watch_fd(NULL));
	RETURNS(-EINVAL, nvmf_registry_watch_changes(NULL, never_3, NULL));
	RETURNS(0, nvmf_registry_watch_new(h, &w));
	RETURNS(-EINVAL, nvmf_registry_watch_changes(w, NULL, NULL));
	nvmf_registry_watch_free(w);
	nvmf_registry_watch_free(NULL);
	RETURNS(-EINVAL, nvmf_tid_parse("transport=loop;nqn=nqn.2014-08.org.example:a", NULL));
	RETURNS(0, nvmf_tid_parse("transport=loop;nqn=nqn.2014-08.org.example:a", &t));
	CHECK(!nvmf_tid_text(NULL) && !nvmf_tid_log_text(NULL));
	CHECK(!nvmf_tid_field(NULL, "nqn") && !nvmf_tid_field(t, NULL));
	CHECK(!nvmf_tid_field(t, BAD) && !nvmf_tid_equal(NULL, NULL));
	RETURNS(-EINVAL, nvmf_exclusion_match(NULL, t, false, &s));
	RETURNS(-EINVAL, nvmf_exclusion_match(h, NULL, false, &s));
	nvmf_tid_free(t);
	nvmf_tid_free(NULL);
	nvmf_host_free(h);
}

static void theirs(const char *folder)
{
	struct libnvme_global_ctx *c = libnvme_create_global_ctx();
	struct libnvmf_tid *t;
	uint64_t n;
	char *s;

	libnvme_free_global_ctx(NULL);
	libnvme_set_logging_level(NULL, 3, true, true);
	libnvme_set_logging_file(NULL, NULL);
	libnvme_set_logging_file(c, NULL);
	CHECK(libnvme_get_logging_level(NULL, NULL, NULL) == 1);
	RETURNS(-EINVAL, libnvme_set_owner(NULL, "me"));
	RETURNS(-EINVAL, libnvme_set_test_base_dir(NULL, folder));
	RETURNS(-EINVAL, libnvme_set_test_base_dir(c, "/tmp/\xff"));
	RETURNS(-EINVAL, libnvme_set_test_sysfs_dir(NULL, folder));
	RETURNS(-EINVAL, libnvme_set_test_sysfs_dir(c, BAD));
	RETURNS(0, libnvme_set_test_base_dir(c, folder));
	for (int i = 0; i < 2; i++) {
		const char *bad = i ? BAD : NULL;

		RETURNS(-EINVAL, libnvme_set_owner(c, bad));
		RETURNS(-EINVAL, libnvmf_registry_retrieve(c, bad, "owner", &s));
		RETURNS(-EINVAL, libnvmf_registry_retrieve(c, "nvme3", bad, &s));
		RETURNS(-EINVAL, libnvmf_registry_attr_equal(c, bad, "owner", "x"));
		RETURNS(-EINVAL, libnvmf_registry_attr_equal(c, "nvme3", bad, "x"));
		RETURNS(-EINVAL, libnvmf_registry_update(c, bad, "owner", "x"));
		RETURNS(-EINVAL, libnvmf_registry_update(c, "nvme3", bad, NULL));
		RETURNS(-EINVAL, libnvmf_registry_delete(c, bad));
		RETURNS(-EINVAL, libnvmf_registry_attr_for_each(c, bad, never_2, NULL));
		CHECK(!libnvmf_exclusion_entry_valid(c, bad));
		RETURNS(-EINVAL, libnvmf_exclusion_add(c, "list", bad));
		RETURNS(-EINVAL, libnvmf_exclusion_add_subsysnqn(c, "list", bad));
		RETURNS(-EINVAL, libnvmf_exclusion_remove(c, "list", bad));
		RETURNS(-EINVAL, libnvmf_exclusion_write(c, "list", bad, 0));
		RETURNS(-EINVAL, libnvmf_tid_parse(c, bad, &t));
		RETURNS(-EINVAL, libnvmf_tid_parse_strict(c, bad, &t));
		CHECK(!libnvmf_traddr_is_numeric(bad));
	}
	RETURNS(-EINVAL, libnvmf_registry_retrieve(NULL, "nvme3", "owner", &s));
	RETURNS(-EINVAL, libnvmf_registry_retrieve(c, "nvme3", "owner", NULL));
	RETURNS(-EINVAL, libnvmf_registry_attr_equal(NULL, "nvme3", "owner", "x"));
	RETURNS(-EINVAL, libnvmf_registry_attr_equal(c, "nvme3", "owner", BAD));
	RETURNS(-EINVAL, libnvmf_registry_update(NULL, "nvme3", "owner", "x"));
	RETURNS(-EINVAL, libnvmf_registry_update(c, "nvme3", "owner", BAD));
	RETURNS(-EINVAL, libnvmf_registry_delete(NULL, "nvme3"));
	RETURNS(-EINVAL, libnvmf_registry_device_for_each(NULL, never_1, NULL));
	RETURNS(-EINVAL, libnvmf_registry_device_for_each(c, NULL, NULL));
	RETURNS(-EINVAL, libnvmf_registry_attr_for_each(NULL, "nvme3", never_2, NULL));
	RETURNS(-EINVAL, libnvmf_registry_attr_for_each(c, "nvme3", NULL, NULL));
	CHECK(!libnvmf_exclusion_match(NULL, NULL));
	CHECK(!libnvmf_exclusion_match(c, NULL));
	CHECK(!libnvmf_exclusion_entry_valid(NULL, "nqn=a"));
	RETURNS(-EINVAL, libnvmf_exclusion_list_for_each(NULL, never_1, NULL));
	RETURNS(-EINVAL, libnvmf_exclusion_list_for_each(c, NULL, NULL));
	RETURNS(-EINVAL, libnvmf_exclusion_entry_for_each(NULL, "list", never_1, NULL));
	RETURNS(-EINVAL, libnvmf_exclusion_entry_for_each(c, BAD, never_1, NULL));
	RETURNS(-EINVAL, libnvmf_exclusion_entry_for_each(c, "list", NULL, NULL));
	RETURNS(-EINVAL, libnvmf_exclusion_create(NULL, "list"));
	RETURNS(-EINVAL, libnvmf_exclusion_create(c, BAD));
	RETURNS(-EINVAL, libnvmf_exclusion_delete(c, BAD));
	RETURNS(-EINVAL, libnvmf_exclusion_delete(NULL, "list"));
	RETURNS(-EINVAL, libnvmf_exclusion_add(NULL, "list", "nqn=a"));
	RETURNS(-EINVAL, libnvmf_exclusion_add(c, BAD, "nqn=a"));
	RETURNS(-EINVAL, libnvmf_exclusion_add_subsysnqn(NULL, "list", "a"));
	RETURNS(-EINVAL, libnvmf_exclusion_remove(NULL, "list", "nqn=a"));
	RETURNS(-EINVAL, libnvmf_exclusion_remove(c, BAD, "nqn=a"));
	RETURNS(-EINVAL, libnvmf_exclusion_read(NULL, "list", &s, &n));
	RETURNS(-EINVAL, libnvmf_exclusion_read(c, BAD, &s, &n));
	RETURNS(-EINVAL, libnvmf_exclusion_read(c, "list", NULL, &n));
	RETURNS(-EINVAL, libnvmf_exclusion_read(c, "list", &s, NULL));
	RETURNS(-EINVAL, libnvmf_exclusion_write(NULL, "list", "", 0));
	RETURNS(-EINVAL, libnvmf_exclusion_write(c, BAD, "", 0));
	RETURNS(-EINVAL, libnvmf_tid_new(NULL));
	RETURNS(-EINVAL, libnvmf_tid_from_fields("tcp", NULL, NULL, NULL, NULL, NULL, NULL, NULL,
						 NULL));
	for (int i = 0; i < 8; i++) {
		const char *f[8] = { NULL };

		f[i] = BAD;
		RETURNS(-EINVAL, libnvmf_tid_from_fields(f[0], f[1], f[2], f[3], f[4], f[5], f[6],
							 f[7], &t));
		CHECK(!t);
		f[i] = "a;b\n";
		RETURNS(-EINVAL, libnvmf_tid_from_fields(f[0], f[1], f[2], f[3], f[4], f[5], f[6],
							 f[7], &t));
	}
	RETURNS(0, libnvmf_tid_from_fields(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, &t));
	CHECK(libnvmf_tid_is_empty(t) && libnvmf_tid_is_empty(NULL));
	CHECK(!libnvmf_exclusion_match(c, t));
	RETURNS(-EINVAL, libnvmf_tid_set_identity(NULL, "a", "b", "c"));
	RETURNS(-EINVAL, libnvmf_tid_set_identity(t, BAD, NULL, NULL));
	RETURNS(-EINVAL, libnvmf_tid_set_identity(t, NULL, BAD, NULL));
	RETURNS(-EINVAL, libnvmf_tid_set_identity(t, NULL, NULL, BAD));
	libnvmf_tid_free(t);
	libnvmf_tid_free(NULL);
	CHECK(!libnvmf_tid_dup(NULL));
	RETURNS(-EINVAL, libnvmf_tid_parse(c, "nqn=a", NULL));
	RETURNS(-EINVAL, libnvmf_tid_parse_strict(NULL, "nqn=a", NULL));
	libnvme_free_global_ctx(c);
}

int main(int argc, char **argv)
{
	char folder[400];

	CHECK(argc == 2);
	own(argv[1]);
	snprintf(folder, sizeof(folder), "%s/flat", argv[1]);
	theirs(folder);
	return 0;
}

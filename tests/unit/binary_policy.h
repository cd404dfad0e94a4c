/* SPDX-License-Identifier: MIT */
/* Binary policies for tests, compiled by libsepol from CIL; a failure ends the program.
 */
#ifndef TESTS_UNIT_BINARY_POLICY_H
#define TESTS_UNIT_BINARY_POLICY_H

#include <sepol/cil/cil.h>
#include <sepol/sepol.h>

#include "common/buf.h"
#include "tests/unit/scratch.h"

/* Users, roles and types that are there whatever is added. */
static const char policy_core[] =
	"(handleunknown allow)"
	"(sid kernel) (sidorder (kernel))"
	"(sidcontext kernel (system_u system_r kernel_t ((s0) (s0))))"
	"(class file (read write)) (class process (fork))"
	"(classorder (file process))"
	"(sensitivity s0) (sensitivity s1) (sensitivityorder (s0 s1))"
	"(category c0) (category c1) (category c2) (categoryorder (c0 c1 c2))"
	"(sensitivitycategory s0 (c0 c1 c2)) (sensitivitycategory s1 (c0 c1))"
	"(role system_r) (role user_r) (role object_r)"
	"(user system_u) (user user_u)"
	"(userrole system_u system_r) (userrole system_u object_r)"
	"(userrole user_u user_r) (userrole user_u object_r)"
	"(userlevel system_u (s0)) (userrange system_u ((s0) (s1 (c0 c1))))"
	"(userlevel user_u (s0)) (userrange user_u ((s0) (s0 (c0))))"
	"(type kernel_t) (type user_t) (type etc_t) (type bin_t)"
	"(typealias old_etc_t) (typealiasactual old_etc_t etc_t)"
	"(typeattribute file_type) (typeattributeset file_type (etc_t bin_t))"
	"(roletype system_r kernel_t) (roletype user_r user_t)"
	"(roletype object_r file_type)"
	"(boolean flag true)"
	"(booleanif flag (true (allow user_t bin_t (file (read)))))"
	"(allow kernel_t file_type (file (read write)))"
	"(constrain (file (write)) (eq u1 u2))"
	"(typetransition kernel_t etc_t file \"name\" bin_t)"
	"(genfscon proc / (system_u object_r etc_t ((s0) (s0))))"
	"(fsuse xattr ext4 (system_u object_r etc_t ((s0) (s0))))"
	"(policycap open_perms) (typepermissive user_t)";

static inline void policy_said(int level, const char *text)
{
	if (level <= CIL_ERR)
		warnx("%s", text);
}

/* Writes the policy of that version to a file; more: CIL that is added, or NULL. */
static inline void policy_make(
	const char *path, unsigned version, bool mls, const char *more)
{
	sepol_handle_t *h = sepol_handle_create();
	sepol_policydb_t *db = NULL;
	cil_db_t *cil;
	void *image;
	size_t len;

	cil_set_log_handler(policy_said);
	cil_db_init(&cil);
	cil_set_policy_version(cil, (int)version);
	cil_set_mls(cil, mls);
	if (cil_add_file(cil, "core", policy_core, strlen(policy_core)) != SEPOL_OK ||
		(more && cil_add_file(cil, "more", more, strlen(more)) != SEPOL_OK) ||
		cil_compile(cil) != SEPOL_OK ||
		cil_build_policydb(cil, &db) != SEPOL_OK ||
		sepol_policydb_to_image(h, db, &image, &len) < 0)
		errx(1, "libsepol does not compile the test's policy");
	put_file(path, image, len);
	free(image);
	sepol_policydb_free(db);
	cil_db_destroy(&cil);
	sepol_handle_destroy(h);
}

#endif

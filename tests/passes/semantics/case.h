/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What every case of these tests is: a function that runs inline assembly on two
 * numbers and on memory, and leaves its results in @out. @memory points into
 * the middle of 256 bytes.
 *
 * Each file is compiled twice, as PREFIX says: native_ with its assembly, and
 * gpufas_entry_, a name that the passes keep, with what kernel-asm makes of it.
 */
#define OUTPUTS 8

#define CASE_NAME_(prefix, name) prefix##name
#define CASE_NAME(prefix, name) CASE_NAME_(prefix, name)
#define CASE(name)								\
	void CASE_NAME(PREFIX, name)(unsigned long *out, unsigned char *memory,	\
				     unsigned long a, unsigned long b);		\
	void CASE_NAME(PREFIX, name)(unsigned long *out, unsigned char *memory,	\
				     unsigned long a, unsigned long b)

/* All conditions as outputs, and as one number. */
#define CONDITIONS(f)								\
	"=@ccc"(f[0]), "=@ccnc"(f[1]), "=@ccz"(f[2]), "=@ccnz"(f[3]),		\
	"=@ccs"(f[4]), "=@ccns"(f[5]), "=@cco"(f[6]), "=@ccno"(f[7]),		\
	"=@ccbe"(f[8]), "=@cca"(f[9]), "=@ccl"(f[10]), "=@ccge"(f[11]),		\
	"=@ccle"(f[12]), "=@ccg"(f[13])

/* Those that are one flag, where registers are few. */
#define FLAGS(f)								\
	"=@ccc"(f[0]), "=@ccz"(f[2]), "=@ccs"(f[4]), "=@cco"(f[6])

static inline unsigned long packed(const unsigned char *flags, int count)
{
	unsigned long all = 0;
	int i;

	for (i = 0; i < count; i++)
		all |= (unsigned long)(flags[i] != 0) << i;
	return all;
}

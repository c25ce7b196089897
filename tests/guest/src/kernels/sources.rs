// SPDX-License-Identifier: MIT OR Apache-2.0

//! apt's lists of package sources, in both of their forms (sources.list(5)): what the machine has is read, and
//! the same archives are written down for other Debian suites.

/// The names that Debian's own suites start with. Sources of others are left alone: they have no kernels, and
/// no other suites either.
const RELEASES: &[&str] = &[
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
    "sid",
    "oldoldstable",
    "oldstable",
    "stable",
    "testing",
    "unstable",
];

/// Debian's keys for all of its suites.
const DEBIAN_KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// One entry: packages of some suites at some addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    uris: Vec<String>,
    suites: Vec<String>,
    components: Vec<String>,
    /// The others, as fields of the deb822 form. A value may have several lines.
    options: Vec<(String, String)>,
}

/// Reads the deb822 form: paragraphs of `Field: value` with continuation lines.
pub fn parse_deb822(text: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    // An empty line more, so that the last paragraph ends as the others do.
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            sources.extend(from_fields(std::mem::take(&mut fields)));
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    sources
}

fn from_fields(fields: Vec<(String, String)>) -> Option<Source> {
    let mut source = Source::default();
    let mut binary = false;
    for (name, value) in fields {
        let words = || value.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        match name.to_ascii_lowercase().as_str() {
            "types" => binary = value.split_whitespace().any(|kind| kind == "deb"),
            "uris" => source.uris = words(),
            "suites" => source.suites = words(),
            "components" => source.components = words(),
            "enabled" if ["no", "false", "0", "off"].contains(&value.to_ascii_lowercase().as_str()) => {
                return None;
            }
            "enabled" => {}
            _ => source.options.push((name, value)),
        }
    }
    (binary && !source.uris.is_empty()).then_some(source)
}

/// Reads the form of one line for each entry: `deb [option=value ...] uri suite component ...`.
pub fn parse_one_line(text: &str) -> Vec<Source> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim();
    let mut rest = line.strip_prefix("deb")?;
    if !rest.starts_with([' ', '\t']) {
        return None; // deb-src
    }
    rest = rest.trim_start();
    let mut options = Vec::new();
    if let Some(inside) = rest.strip_prefix('[') {
        let (inside, after) = inside.split_once(']')?;
        rest = after;
        for option in inside.split_whitespace() {
            let (name, value) = option.split_once('=')?;
            options.push((option_field(name.trim_end_matches(['+', '-'])), value.replace(',', " ")));
        }
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    let (uris, suites) = (vec![words.next()?], vec![words.next()?]);
    Some(Source { uris, suites, components: words.collect(), options })
}

/// The deb822 field for a one-line option; all others differ in nothing but case, which does not count.
fn option_field(name: &str) -> String {
    match name {
        "arch" => "Architectures",
        "lang" => "Languages",
        "target" => "Targets",
        other => other,
    }
    .to_owned()
}

/// The machine's Debian archives with other suites, in the deb822 form. Empty where there are none.
pub fn for_suites(machine: &[Source], suites: &[&str]) -> String {
    let mut paragraphs: Vec<String> = Vec::new();
    for suite in suites {
        for source in machine.iter().filter(|source| source.is_debian() && source.serves(suite)) {
            let paragraph = source.with_suite(suite);
            if !paragraphs.contains(&paragraph) {
                paragraphs.push(paragraph);
            }
        }
    }
    paragraphs.join("\n")
}

impl Source {
    /// Whether this is one of Debian's own archives, or a mirror of one.
    fn is_debian(&self) -> bool {
        let signed_by = self.options.iter().find(|(name, _)| name.eq_ignore_ascii_case("Signed-By"));
        // A key that is written out, or in a file of the machine's owner, may be Debian's; other vendors use
        // Debian's suite names, but not its component `main` with those and its key.
        let key = signed_by.is_none_or(|(_, value)| is_debian_key(value) || value.contains("BEGIN PGP"));
        key && self.components.iter().any(|component| component == "main")
            && self.suites.iter().any(|suite| {
                RELEASES.iter().any(|release| suite.strip_prefix(release).is_some_and(is_suite_ending))
            })
    }

    /// Whether the suite is in the same archive as this entry's own: security updates have one of their own.
    fn serves(&self, suite: &str) -> bool {
        self.suites.iter().any(|own| is_security(own) == is_security(suite))
            && !self.uris.iter().all(|uri| uri.starts_with("cdrom:"))
    }

    fn with_suite(&self, suite: &str) -> String {
        let uris: Vec<&str> =
            self.uris.iter().map(String::as_str).filter(|uri| !uri.starts_with("cdrom:")).collect();
        let mut text = format!("Types: deb\nURIs: {}\nSuites: {suite}\nComponents: main\n", uris.join(" "));
        for (name, value) in &self.options {
            // A key file for one release does not sign the others.
            let value = if name.eq_ignore_ascii_case("Signed-By") && is_debian_key(value) {
                DEBIAN_KEYS
            } else {
                value
            };
            text.push_str(&format!("{name}: {value}\n"));
        }
        text
    }
}

fn is_debian_key(signed_by: &str) -> bool {
    signed_by
        .split_whitespace()
        .any(|path| path.rsplit('/').next().is_some_and(|file| file.starts_with("debian-archive-")))
}

fn is_suite_ending(rest: &str) -> bool {
    matches!(rest, "" | "/updates" | "-security" | "-updates" | "-backports" | "-proposed-updates")
}

fn is_security(suite: &str) -> bool {
    suite.ends_with("-security") || suite.ends_with("/updates")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEB822: &str = "\
Types: deb deb-src
# a remark
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Enabled: yes
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
URIs: http://vendor.example/deb
Suites: stable
Components: main
Signed-By: /etc/apt/keyrings/vendor.gpg

Types: deb
URIs: http://mirror.example/off
Suites: bookworm
Components: main
Enabled: no

Types: deb-src
URIs: http://mirror.example/src
Suites: bookworm
Components: main
";

    #[test]
    fn deb822_entries_are_read() {
        let sources = parse_deb822(DEB822);
        assert_eq!(sources.len(), 3);
        assert_eq!(sources[0].suites, ["bookworm", "bookworm-updates"]);
        assert_eq!(sources[0].components, ["main", "contrib"]);
        assert!(sources[1].options[0].1.contains("\n abc"));
    }

    #[test]
    fn security_suites_go_to_the_security_archive_and_others_not() {
        let text = for_suites(&parse_deb822(DEB822), &["bullseye", "bullseye-security"]);
        assert_eq!(
            text,
            "Types: deb\nURIs: http://mirror.example/debian\nSuites: bullseye\nComponents: main\n\
             Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\
             Types: deb\nURIs: http://mirror.example/debian-security\nSuites: bullseye-security\n\
             Components: main\nSigned-By: \n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n"
        );
    }

    #[test]
    fn one_line_entries_are_read() {
        let sources = parse_one_line(
            "# remark\ndeb [arch=amd64,i386 signed-by=/k/debian-archive-bookworm.gpg] http://m.example/debian bookworm main # end\n\
             deb-src http://m.example/debian bookworm main\n\
             deb http://m.example/security bookworm-security main\n\
             deb cdrom:[Debian 12]/ bookworm main\n",
        );
        assert_eq!(sources[0].options[0], ("Architectures".to_owned(), "amd64 i386".to_owned()));
        assert_eq!(sources[1].uris, ["http://m.example/security"]);
        let text = for_suites(&sources, &["trixie"]);
        assert_eq!(
            text,
            format!(
                "Types: deb\nURIs: http://m.example/debian\nSuites: trixie\nComponents: main\n\
                 Architectures: amd64 i386\nsigned-by: {DEBIAN_KEYS}\n"
            )
        );
    }

    #[test]
    fn backports_are_in_the_main_archive() {
        let sources = parse_one_line("deb http://m.example/debian bookworm main\n");
        assert!(for_suites(&sources, &["trixie-backports"]).contains("Suites: trixie-backports\n"));
    }

    #[test]
    fn other_vendors_are_left_alone() {
        let sources = parse_one_line(
            "deb [signed-by=/k/docker.gpg] http://docker.example/debian bookworm stable\n\
             deb http://pg.example/apt bookworm-pgdg main\n\
             deb http://node.example nodistro main\n",
        );
        assert_eq!(for_suites(&sources, &["trixie"]), "");
    }

    #[test]
    fn an_archive_that_is_named_twice_is_written_once() {
        let line = "deb http://m.example/debian bookworm main\n";
        let text = for_suites(&parse_one_line(&line.repeat(2)), &["trixie"]);
        assert_eq!(text.matches("URIs").count(), 1);
    }
}

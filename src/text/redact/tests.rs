use proptest::prelude::*;

use super::*;

const KEY: &str = "sk-ant/é\"q+7 x%";

fn secrets(pairs: &[(&str, &str)]) -> Secrets {
    Secrets::from_environment(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn redacted(secrets: &Secrets, text: &[u8]) -> String {
    String::from_utf8_lossy(&secrets.redact(text)).into_owned()
}

/// The forms, computed by other code than the one under test: by `serde_json` and by hand.
fn written_forms() -> Vec<String> {
    vec![
        KEY.to_owned(),
        serde_json::to_string(KEY).unwrap().trim_matches('"').to_owned(),
        r#"sk-ant/\u00e9\"q+7 x%"#.to_owned(),
        r#"sk-ant\/é\"q+7 x%"#.to_owned(),
        "sk-ant%2F%C3%A9%22q%2B7%20x%25".to_owned(),
        "sk-ant%2f%c3%a9%22q%2b7%20x%25".to_owned(),
        "sk-ant/%C3%A9%22q%2B7%20x%25".to_owned(),
        "sk-ant%2F%C3%A9%22q%2B7+x%25".to_owned(),
    ]
}

#[test]
fn every_written_form_of_a_secret_is_replaced_by_its_name() {
    let secrets = secrets(&[("MY_API_KEY", KEY)]);
    for form in written_forms() {
        assert_eq!(redacted(&secrets, format!("<{form}>").as_bytes()), "<[redacted:MY_API_KEY]>", "{form}");
    }
}

#[test]
fn base64_is_found_wherever_the_secret_begins_in_it() {
    // From `printf '%s' user:abcdefgh-12345 | base64`, and the same with `user1` and `user12`. A character that also
    // depends on a neighbour of the secret stays.
    let secrets = secrets(&[("SERVICE_TOKEN", "abcdefgh-12345")]);
    for (text, kept) in [
        ("dXNlcjphYmNkZWZnaC0xMjM0NQ==", "dXNlcjp[redacted:SERVICE_TOKEN]Q=="),
        ("dXNlcjE6YWJjZGVmZ2gtMTIzNDU=", "dXNlcjE6[redacted:SERVICE_TOKEN]U="),
        ("dXNlcjEyOmFiY2RlZmdoLTEyMzQ1", "dXNlcjEyOm[redacted:SERVICE_TOKEN]"),
    ] {
        assert_eq!(redacted(&secrets, text.as_bytes()), kept);
    }
}

#[test]
fn only_long_values_of_names_that_say_so_are_secrets() {
    let secrets = secrets(&[
        ("HOME", "/home/someone"),
        ("SHORT_KEY", "1234567"),
        ("db_password", "hunter2hunter2"),
        ("AWS_CREDENTIALS_FILE", "credential-file"),
    ]);
    let text = b"/home/someone 1234567 hunter2hunter2 credential-file";
    assert_eq!(
        redacted(&secrets, text),
        "/home/someone 1234567 [redacted:db_password] [redacted:AWS_CREDENTIALS_FILE]"
    );
}

#[test]
fn white_space_around_a_value_does_not_hide_it() {
    let secrets = secrets(&[("TOKEN", "abcdefgh-12345\n")]);
    assert_eq!(redacted(&secrets, b"abcdefgh-12345 "), "[redacted:TOKEN] ");
}

#[test]
fn the_longest_of_two_secrets_that_begin_alike_is_taken() {
    let secrets = secrets(&[("A_KEY", "abcdefgh"), ("B_KEY", "abcdefgh12345")]);
    assert_eq!(redacted(&secrets, b"abcdefgh12345 abcdefgh1234"), "[redacted:B_KEY] [redacted:A_KEY]1234");
}

#[test]
fn bytes_without_secrets_are_borrowed_and_kept_as_they_are() {
    let bytes = b"\xff\xfe no secret \x00";
    assert!(matches!(secrets(&[("A_KEY", "abcdefgh")]).redact(bytes), Cow::Borrowed(kept) if kept == bytes));
    assert_eq!(redacted(&Secrets::none(), b"abcdefgh"), "abcdefgh");
}

#[test]
fn what_cannot_begin_a_secret_is_not_held_back() {
    let mut stream = secrets(&[("A_KEY", "abcdefgh")]).stream();
    assert_eq!(stream.push(b"progress: 10 %\nab"), b"progress: 10 %\n");
    assert_eq!(stream.push(b"x"), b"abx");
    assert_eq!(stream.finish(), b"");
}

#[test]
fn debug_output_shows_no_secret() {
    let stream = secrets(&[("A_KEY", "abcdefgh")]).stream();
    assert!(!format!("{stream:?}").contains("abcdefgh"));
}

/// Text made of secrets, their forms, pieces of them and other bytes.
fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let forms: Vec<Vec<u8>> = written_forms()
        .into_iter()
        .map(String::into_bytes)
        .chain(base64_forms(KEY.as_bytes()))
        .chain([b"ababababab".to_vec(), b"abababab".to_vec(), b"abababc".to_vec()])
        .collect();
    let piece = prop_oneof![
        prop::sample::select(forms.clone()),
        (prop::sample::select(forms), any::<prop::sample::Index>()).prop_map(|(form, end)| {
            let end = end.index(form.len());
            form[..end].to_vec()
        }),
        prop::collection::vec(prop::sample::select(b"ab%s\\k \xff".to_vec()), 0..6),
    ];
    prop::collection::vec(piece, 0..12)
}

proptest! {
    #[test]
    fn chunks_give_the_same_as_the_whole_and_no_form_remains(
        pieces in pieces(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let secrets = secrets(&[("MY_API_KEY", KEY), ("LONG_KEY", "ababababab"), ("OTHER_KEY", "abababab")]);
        let text = pieces.concat();
        let whole = secrets.redact(&text).into_owned();

        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let mut stream = secrets.stream();
        let mut streamed: Vec<u8> = cuts.windows(2).flat_map(|cut| stream.push(&text[cut[0]..cut[1]])).collect();
        streamed.extend(stream.finish());
        prop_assert_eq!(&streamed, &whole);

        for form in &secrets.0.all {
            prop_assert!(!whole.windows(form.bytes.len()).any(|window| window == form.bytes));
        }
    }
}

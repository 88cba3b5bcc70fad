// The texts of a view in the language of its notebook: the twin of views/render/words.py.

/** What differs from English, by the English text. */
export type Texts = Record<string, string>;
export type Words = (text: string, ...values: (string | number)[]) => string;

/** Returns what translates a text, and puts values in the places for them. */
export function words(texts: Texts): Words {
  return (text, ...values) => values.reduce<string>((t, value) => t.replace("{}", String(value)), texts[text] ?? text);
}

using System.Collections;
using System.Globalization;
using System.Text;

namespace Distributed.Node.Recipes;

/// <summary>Writes option records as YAML that reads back the same.</summary>
internal static class RecipeWriter
{
    /// <summary>Every option with the value in force; options that say nothing and do not have to are left out.</summary>
    public static string Write(object recipe)
    {
        var text = new StringBuilder();
        Section(text, recipe, 0);
        return text.ToString();
    }

    private static void Section(StringBuilder text, object section, int depth, bool firstInline = false)
    {
        foreach (var field in OptionField.Of(section.GetType()))
        {
            var value = field.Property.GetValue(section);
            if (value is null)
            {
                continue;
            }
            text.Append(' ', firstInline ? 0 : depth * 2).Append(field.Key).Append(':');
            firstInline = false;
            Value(text, value, depth);
        }
    }

    private static void Value(StringBuilder text, object value, int depth)
    {
        switch (value)
        {
            case IReadOnlyList<double> numbers:
                text.Append(" [").AppendJoin(", ", numbers.Select(OptionText.Number)).Append("]\n");
                break;
            case IReadOnlyList<string> words:
                text.Append(" [").AppendJoin(", ", words.Select(Scalar)).Append("]\n");
                break;
            case IReadOnlyDictionary<string, double> numbers:
                Pairs(text, numbers.Select(p => (p.Key, OptionText.Number(p.Value))), depth);
                break;
            case IReadOnlyDictionary<string, string> words:
                Pairs(text, words.Select(p => (p.Key, Scalar(p.Value))), depth);
                break;
            case IList sections:
                text.Append(sections.Count == 0 ? " []\n" : "\n");
                foreach (var item in sections)
                {
                    text.Append(' ', (depth + 1) * 2).Append("- ");
                    Section(text, item!, depth + 2, firstInline: true);
                }
                break;
            default:
                if (OptionField.IsSection(value.GetType()))
                {
                    text.Append('\n');
                    Section(text, value, depth + 1);
                }
                else
                {
                    text.Append(' ').Append(Scalar(value)).Append('\n');
                }
                break;
        }
    }

    private static void Pairs(StringBuilder text, IEnumerable<(string Key, string Value)> pairs, int depth)
    {
        text.Append('\n');
        foreach (var (key, value) in pairs)
        {
            text.Append(' ', (depth + 1) * 2).Append(Scalar(key)).Append(": ").Append(value).Append('\n');
        }
    }

    private static string Scalar(object value) => value switch
    {
        bool b => b ? "true" : "false",
        double d => OptionText.Number(d),
        string s => IsPlain(s) ? s : $"\"{Escape(s)}\"",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    // Plain only where no YAML reader could take the text for anything else.
    private static bool IsPlain(string s) =>
        s.Length > 0
        && (char.IsAsciiLetter(s[0]) || s[0] is '/' or '.')
        && s.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '/' or '.')
        && s is not ("true" or "false" or "null" or "Null" or "NULL" or "yes" or "no" or "on" or "off");

    private static string Escape(string s)
    {
        var text = new StringBuilder(s.Length + 4);
        foreach (var c in s)
        {
            _ = c switch
            {
                '"' or '\\' => text.Append('\\').Append(c),
                '\n' => text.Append("\\n"),
                '\t' => text.Append("\\t"),
                < ' ' => text.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"),
                _ => text.Append(c),
            };
        }
        return text.ToString();
    }
}

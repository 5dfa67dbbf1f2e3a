using System.Diagnostics;
using System.Globalization;
using System.Text;
using Distributed.Engine.Tokenizers;

namespace Distributed.Benchmarks;

/// <summary>How fast tokenizers encode on one core, on about a megabyte of mixed text and on texts that a quadratic merge would choke on.</summary>
internal static class TokenizerBenchmark
{
    private const int Bytes = 1_000_000;
    private const int Rounds = 5;

    private static readonly string[] Words =
        ("the of and to in is that for it was on are as with they at be this have from or one had by word but not what all were we when your can said there use an each which she do " +
        "how their if will up other about out many then them these so some her would make like him into time has look two more write go see number no way could people my than first").Split(' ');

    private static readonly string[] Snippets =
    [
        "for (int i = 0; i < n; i++) {\n    sum += values[i];\n}\n", "def f(x):\n    return x ** 2 + 1\n", "if err != nil {\n\treturn nil, err\n}\n",
        "<div class=\"row\">\n  <p>text</p>\n</div>\n", "SELECT id, name FROM users WHERE age > 30;\n", "日本語のテキスト", "Привет, мир! ", "naïve café résumé ", "한국어 문장입니다 ",
        "emoji 😀🎉 mix ", "العربية ", "ελληνικά ", "中文字符测试。", "हिन्दी पाठ ", "Việt Nam ",
    ];

    /// <summary>Measures the tokenizer.json files of a list.</summary>
    public static void Run(IEnumerable<string> paths)
    {
        var text = Mixed(seed: 7);
        Console.WriteLine($"{Encoding.UTF8.GetByteCount(text)} bytes of mixed text, one thread, median of {Rounds}; cold: a new tokenizer's first call; warm: its second");
        foreach (var path in paths)
        {
            var (loads, colds, warms, count) = (new List<double>(), new List<double>(), new List<double>(), 0);
            for (var round = 0; round < Rounds; round++)
            {
                var tokenizer = Timed(loads, () => Tokenizer.Load(path));
                count = Timed(colds, () => tokenizer.Encode(text)).Length;
                Timed(warms, () => tokenizer.Encode(text));
            }

            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{path}: {count} tokens; cold {count / Median(colds):N0} tokens/s, warm {count / Median(warms):N0} tokens/s, load {Median(loads) * 1000:N0} ms"));
            Growth(path);
        }
    }

    // Time for twice the text over time for the text: 2 is linear, 4 quadratic.
    private static void Growth(string path)
    {
        var tokenizer = Tokenizer.Load(path);
        foreach (var unit in new[] { "a", "abc", " ", "\n", "!", "é", "日", "😀", "e\u0301" })
        {
            var (once, twice) = (new List<double>(), new List<double>());
            for (var round = 0; round < Rounds; round++)
            {
                Timed(once, () => tokenizer.Encode(string.Concat(Enumerable.Repeat(unit, 100_000))));
                Timed(twice, () => tokenizer.Encode(string.Concat(Enumerable.Repeat(unit, 200_000))));
            }

            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  \"{unit.ReplaceLineEndings("\\n")}\" x 200,000: {Median(twice) * 1000:N0} ms, {Median(twice) / Median(once):N2} times as long as half of it"));
        }
    }

    private static T Timed<T>(List<double> seconds, Func<T> work)
    {
        var start = Stopwatch.GetTimestamp();
        var made = work();
        seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        return made;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>English-like words, a fifth of them random letters, code, other scripts and numbers.</summary>
    private static string Mixed(int seed)
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        var bytes = 0;
        while (bytes < Bytes)
        {
            var part = random.Next(100) switch
            {
                < 60 => string.Join(' ', Enumerable.Range(0, random.Next(5, 16)).Select(_ => random.Next(5) == 0
                    ? string.Concat(Enumerable.Range(0, random.Next(3, 11)).Select(_ => (char)('a' + random.Next(26))))
                    : Words[random.Next(Words.Length)])) + (random.Next(4) == 0 ? ".\n" : ". "),
                < 90 => Snippets[random.Next(Snippets.Length)],
                _ => random.Next(1_000_000).ToString(CultureInfo.InvariantCulture) + ", ",
            };
            text.Append(part);
            bytes += Encoding.UTF8.GetByteCount(part);
        }

        return text.ToString();
    }
}

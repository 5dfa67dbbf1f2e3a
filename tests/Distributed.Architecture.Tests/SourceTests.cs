using System.Reflection;
using System.Text.RegularExpressions;

namespace Distributed.Architecture.Tests;

/// <summary>Habits that are easily lost: small files, nothing left undone, names that say something.</summary>
public sealed partial class SourceTests
{
    private const int LongestFile = 400;
    private static readonly string[] EmptyWords = ["Manager", "Helper", "Helpers", "Util", "Utils", "Utility", "Utilities"];

    [Fact]
    public void No_file_is_longer_than_400_lines() =>
        Sources.Files.Select(file => (file, lines: Lines(file).Length)).Where(entry => entry.lines > LongestFile).ShouldBeEmpty();

    [Fact]
    public void Nothing_is_left_to_be_done_later() =>
        Sources.Files.SelectMany(file => Lines(file).Select((line, i) => (line, place: $"{file}:{i + 1}")))
            .Where(entry => Undone().IsMatch(entry.line))
            .Select(entry => $"{entry.place}: {entry.line.Trim()}")
            .ShouldBeEmpty();

    [Fact]
    public void No_type_is_named_by_an_empty_word() =>
        Sources.Projects.SelectMany(project => Assembly.LoadFrom(Path.Combine(AppContext.BaseDirectory, project + ".dll")).GetTypes())
            .Where(type => type.Namespace?.StartsWith("Distributed", StringComparison.Ordinal) == true)
            .Where(type => EmptyWords.Any(word => type.Name.EndsWith(word, StringComparison.Ordinal)))
            .Select(type => type.FullName)
            .ShouldBeEmpty();

    [Fact]
    public void There_are_files_to_look_at() => Sources.Files.Count.ShouldBeGreaterThan(50);

    private static string[] Lines(string file) => File.ReadAllLines(Path.Combine(Sources.Root, file));

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b|NotImplementedException")]
    private static partial Regex Undone();
}

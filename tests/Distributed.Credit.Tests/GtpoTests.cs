using System.Text.Json;

namespace Distributed.Credit.Tests;

public sealed class GtpoTests
{
    public static TheoryData<string> CaseNames() => [.. Reference.Cases("gtpo_reconstruction").Select(c => c.Name())];

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void The_reconstruction_matches_its_reference(string name)
    {
        var c = Reference.Cases("gtpo_reconstruction").Single(c => c.Name() == name);
        var malformed = Flags(c, "malformed");
        var called = Flags(c, "has_tool_call");
        var correct = c.GetProperty("correct").EnumerateArray().Select(flag => flag.GetBoolean()).ToArray();
        var embedder = new GivenVectors(c.Table("code_embedding"));
        var groups = c.Groups(i => new ScoredRollout(correct[i] ? 1 : 0, [.. malformed[i].Select(_ => 1)])
        {
            Signals = [.. malformed[i]
                .Select((bad, t) => new TurnSignals { Malformed = bad, CalledTool = called[i][t], Code = t == 0 ? $"{i}" : null })],
        });

        foreach (var expected in c.GetProperty("expected").EnumerateArray())
        {
            var options = new GtpoOptions(
                expected.Number("gamma"), c.Number("alpha"),
                    ClampNegativeSimilarity: expected.GetProperty("clamp_negative_similarity").GetBoolean());
            Check(options, expected.Table("advantage_joint_population_std"));
            Check(options with { DivideByStd = false }, expected.Table("alternative_mean_only"));
            Check(options with { Norm = GtpoNorm.PerTurnIndex }, expected.Table("alternative_per_turn_index"));
        }

        void Check(GtpoOptions options, double[][] expected) =>
            groups.Credit(new Gtpo(options, embedder)).Select(r => r.Advantages).ToArray().ShouldMatchRows(expected, $"{name} {options}");
    }

    [Fact]
    public void Like_programs_are_nearer_than_unlike_ones()
    {
        var embedder = new HashedNgramEmbedder();
        var vectors = embedder.Embed(["total = price * count\nprint(total)", "sum = price * count\nprint(sum)",
            "import os\nos.listdir('/')", ""]);
        Cosine(0, 1).ShouldBeGreaterThan(Cosine(0, 2));
        Cosine(0, 0).ShouldBe(1, 1e-12);
        vectors[3].ToArray().ShouldAllBe(value => value == 0);

        double Cosine(int a, int b) => Dot(a, b) / Math.Sqrt(Dot(a, a) * Dot(b, b));
        double Dot(int a, int b) => vectors[a].ToArray().Zip(vectors[b].ToArray(), (x, y) => x * y).Sum();
    }

    private static bool[][] Flags(JsonElement c, string property) =>
        [.. c.GetProperty(property).EnumerateArray().Select(row => row.EnumerateArray().Select(flag => flag.GetBoolean()).ToArray())];

    /// <summary>The reference's vectors; a program's text is its index.</summary>
    private sealed class GivenVectors(double[][] vectors) : ICodeEmbedder
    {
        public IReadOnlyList<ReadOnlyMemory<double>> Embed(IReadOnlyList<string> programs) =>
            [.. programs.Select(program =>
                new ReadOnlyMemory<double>(vectors[int.Parse(program, System.Globalization.CultureInfo.InvariantCulture)]))];
    }
}

using System.Text.Json;
using System.Xml.Linq;
using Distributed.Credit;
using Distributed.Credit.Bias;
using Distributed.Node.CreditFiles;

namespace Distributed.Node.Tests.CreditFiles;

public sealed class BiasStudyTests
{
    private static readonly Lazy<IReadOnlyList<BiasRow>> Rows = new(() => BiasStudy.Measure(2));

    private static BiasRow Row(string problem, string method) => Rows.Value.Single(row => row.Problem.Name == problem && row.Method.Name == method);

    [Fact]
    public void The_unbiased_methods_are_exact_everywhere()
    {
        foreach (var problem in StoppingProblem.All)
            foreach (var method in new[] { "rloo", "turn-peer", "turn-peer, all rollouts" })
                Row(problem.Name, method).Verdict(0).ShouldBe(StopVerdict.Exact, $"{problem.Name} {method}");
    }

    [Fact]
    public void A_method_that_pushes_the_wrong_way_or_not_at_all_is_called_so()
    {
        Row("always_correct_ig_positive", "igpo joint").Verdict(0).ShouldBe(StopVerdict.Reversed);
        Row("always_correct_ig_positive", "a2tgpo").Verdict(0).ShouldBe(StopVerdict.Blind);
        Row("rich", "grpo").Verdict(0).ShouldBe(StopVerdict.SameSign);
    }

    [Fact]
    public void Table_JSON_and_picture_hold_every_method_and_problem()
    {
        using var json = JsonDocument.Parse(BiasText.Json(Rows.Value, 2));
        json.RootElement.GetProperty("rows").GetArrayLength().ShouldBe(StoppingProblem.All.Count * BiasStudy.Methods.Count);
        var table = BiasText.Markdown(Rows.Value);
        var picture = XDocument.Parse(BiasChart.Render(Rows.Value, 2)).ToString();
        foreach (var method in BiasStudy.Methods)
        {
            table.ShouldContain($"| {method.Name} |");
            picture.ShouldContain(method.Name);
        }
    }

    [Fact]
    public void On_sampled_groups_every_method_has_a_row_and_only_turns_that_decide_have_a_column()
    {
        ScoredGroup group = new("q", [new(1, [1]), new(1, [1, 1], [0.3]), new(0, [1, 1], [0.1])]);
        var lines = StopPressureText.Markdown([new FileGroup(1, group, [null, null, null])], "g.json").Split('\n');
        lines[0].ShouldBe("| method | turn 1 (3 reached it, 33 % stopped) |");
        lines.ShouldContain("| rloo | +0.750 ± 0.000 |");
        lines.ShouldContain(line => line.StartsWith("| igpo joint, floor 0.1 | ", StringComparison.Ordinal));
    }
}

using System.Text.RegularExpressions;
using System.Xml.Linq;
using Distributed.Node.Recipes;
using Distributed.Node.Reports;
using Distributed.Node.Runs;

namespace Distributed.Node.Tests.Reports;

public sealed partial class ReportPageTests
{
    private static readonly Recipe Recipe = RecipeFile.ParseTraining("model: m", "search.yaml", []);

    private static List<StepReport> Steps(int count) =>
    [
        .. Enumerable.Range(0, count + 1).Select(step =>
        {
            var metrics = new Dictionary<string, double> { [MetricNames.Success] = step / (double)count, [MetricNames.GainOfTurn(1)] = -0.5, [MetricNames.Loss] = double.NaN };
            if (step % 10 == 0)
            {
                metrics[MetricNames.HeldOut] = 0.25 + 0.5 * step / count;
                metrics[MetricNames.HeldOutByCategory + "<1> & more"] = 1;
            }
            if (step == 0)
            {
                metrics[MetricNames.Untrained] = 0.0125;
            }
            return new StepReport(step, count, step, step, metrics);
        }),
    ];

    private static TrajectoryRecord Trajectory(int step, bool right) => new(
        step, step, 0, $"p-{step}-{right}", "c", "<q> & \"x\" </q>", ["a"], right ? "correct" : "wrong", right ? 1 : 0, step,
        [new("<search> x </search>", "<result> y </result>", 3, 0.25, -0.5, 1.1, false), new("<answer> a </answer>", null, 3, null, 1, 1, false)]);

    private static string Page(int steps = 100) =>
        ReportPage.Render(Recipe, Steps(steps), Enumerable.Range(1, steps).SelectMany(step => new[] { Trajectory(step, true), Trajectory(step, false) }));

    [Fact]
    public void The_page_needs_nothing_from_elsewhere()
    {
        var page = Page();
        External().Matches(page).Select(match => match.Value).ShouldBeEmpty();
        page.ShouldNotContain("<script");
    }

    [Fact]
    public void Every_chart_is_well_formed_and_has_no_number_that_is_none()
    {
        var charts = Svg().Matches(Page()).Select(match => match.Value).ToList();
        charts.Count.ShouldBeGreaterThan(2);
        foreach (var chart in charts)
        {
            XDocument.Parse(chart);
            chart.ShouldNotContain("NaN");
            chart.ShouldNotContain("Infinity");
        }
    }

    [Fact]
    public void Texts_of_the_run_are_escaped()
    {
        var page = Page();
        page.ShouldContain("&lt;1&gt; &amp; more");
        page.ShouldContain("&lt;q&gt; &amp; &quot;x&quot; &lt;/q&gt;");
        page.ShouldNotContain("<search>");
    }

    [Fact]
    public void It_begins_with_what_was_reached_and_what_it_is_compared_with()
    {
        var page = Page();
        page.ShouldContain("<b>0.750</b><span>held-out success at step 100</span>");
        page.ShouldContain("<b>0.250</b><span>before training</span>");
        page.ShouldContain("random weights 0.01");
        page.ShouldContain("warm start 0.25");
    }

    [Fact]
    public void A_success_and_a_failure_of_every_third_are_shown()
    {
        var page = Page();
        foreach (var time in new[] { "Early", "Midway", "Late" })
        {
            page.ShouldContain($"<h3>{time}</h3>");
        }
        Regex.Count(page, "<article>").ShouldBe(6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(3000)]
    public void Short_and_long_runs_can_be_drawn(int steps) => Svg().Count(Page(steps)).ShouldBeGreaterThan(2);

    [Fact]
    public void A_run_that_has_only_begun_has_a_page() => ReportPage.Render(Recipe, Steps(5).Take(1).ToList(), []).ShouldEndWith("</html>\n");

    [Fact]
    public void A_report_is_made_from_a_run_folder_and_a_folder_that_is_none_is_refused()
    {
        using var folder = new TemporaryFolder();
        Should.Throw<RefusedException>(() => ReportPage.Write(folder.Path)).Message.ShouldContain("is no run folder");
        using (var run = RunFolder.Create("x", RecipeFile.Write(Recipe), folder["run"], new DateOnly(2026, 1, 1)))
        {
            Should.Throw<RefusedException>(() => ReportPage.Write(folder["run"])).Message.ShouldEndWith("has no step yet; train first");
            run.Append(Steps(10)[0]);
            run.Append(Trajectory(0, true));
            ReportPage.Write(folder["run"]).ShouldBe(RunFolder.ReportOf(folder["run"]));
        }
        File.ReadAllText(RunFolder.ReportOf(folder["run"])).ShouldContain("<h1>search</h1>");
    }

    [GeneratedRegex("""(src|href|url)\s*[=(]|@import|https?://""")]
    private static partial Regex External();

    [GeneratedRegex("<svg.*?</svg>", RegexOptions.Singleline)]
    private static partial Regex Svg();
}

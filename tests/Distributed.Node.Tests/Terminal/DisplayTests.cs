using Distributed.Node.Recipes;
using Distributed.Node.Runs;
using Distributed.Node.Terminal;
using Spectre.Console;

namespace Distributed.Node.Tests.Terminal;

public sealed class DisplayTests
{
    private static readonly RunTitle Title = RunTitle.Of(RecipeFile.ParseTraining("model: m\nmax_staleness_steps: 2\ncluster: {rollout_nodes: 3}", "x.yaml", []), "runs/x-1");

    private static StepReport Step(int step, double success = 0.5, double seconds = 0, params (string Name, double Value)[] more)
    {
        var metrics = new Dictionary<string, double> { [MetricNames.Success] = success };
        foreach (var (name, value) in more)
        {
            metrics[name] = value;
        }
        return new(step, 100, step, seconds, metrics);
    }

    [Fact]
    public void The_title_says_what_the_run_is() =>
        Title.Essentials.ShouldBe("a2tgpo · 32 prompts x 8 rollouts · at most 2 versions stale · 3 rollout nodes, 1 scorer node · seed 1");

    [Fact]
    public void Time_left_follows_the_pace_of_the_last_steps()
    {
        var history = new RunHistory();
        history.Add(Step(0, seconds: 100));
        history.SecondsLeft.ShouldBeNull();
        history.Add(Step(1, seconds: 102));
        history.SecondsLeft.ShouldBe(2 * 99);
        for (var step = 2; step <= 60; step++)
        {
            history.Add(Step(step, seconds: 102 + step * 0.5));
        }
        history.SecondsLeft!.Value.ShouldBe(0.5 * 40, 1e-9);
    }

    [Fact]
    public void A_sparkline_shows_the_course_in_even_parts()
    {
        var history = new RunHistory();
        for (var step = 0; step < 80; step++)
        {
            history.Add(Step(step, step / 79.0));
        }
        history.Sparkline(MetricNames.Success, 8).ShouldBe("▁▂▃▄▅▆▇█");
        history.Sparkline("nothing", 8).ShouldBe("");
    }

    [Fact]
    public void A_learner_that_goes_back_takes_its_steps_with_it()
    {
        var history = new RunHistory();
        foreach (var step in new[] { 1, 2, 3, 2 })
        {
            history.Add(Step(step, step == 3 ? 1 : 0));
        }
        history.Sparkline(MetricNames.Success, 10).ShouldBe("▁▁");
    }

    [Fact]
    public void A_very_long_run_is_remembered_in_bounds()
    {
        var history = new RunHistory();
        for (var step = 0; step < 20_000; step++)
        {
            history.Add(Step(step, step < 10_000 ? 0 : 1));
        }
        history.Sparkline(MetricNames.Success, 4).Length.ShouldBe(4);
        history.Sparkline(MetricNames.Success, 4)[3].ShouldBe('█');
    }

    [Fact]
    public void Plain_lines_say_what_is_known_and_leave_out_what_is_not()
    {
        var text = new StringWriter();
        using (var display = new PlainDisplay(text, Title, new StoppedClock()))
        {
            display.Show(Step(1, 0.25, 1, (MetricNames.Reward, -0.5), (MetricNames.GainOfTurn(1), 0.1), (MetricNames.GainOfTurn(2), -0.2)));
            display.Show(Step(2, 0.5, 2));
            display.Show(Step(3, 0.75, 3, (MetricNames.HeldOut, 0.5), (MetricNames.HeldOutByCategory + "easy", 1)));
            display.Notice("scorer-1 was restarted");
        }
        text.ToString().ReplaceLineEndings("\n").Split('\n')[2..].ShouldBe(
        [
            "step 1/100  success 0.250  reward -0.50  gain by turn +0.100 -0.200",
            "step 3/100  success 0.750  held-out 0.500 (easy 1.000)  left 1:37",
            "scorer-1 was restarted",
            "",
        ]);
    }

    [Fact]
    public void The_block_can_be_drawn_at_every_moment_of_a_run()
    {
        var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = 110;
        var history = new RunHistory();
        console.Write(RunBlock.Render(Title, history));
        history.Add(Step(0, double.NaN, 0, (MetricNames.HeldOut, 0.4), (MetricNames.HeldOutByCategory + "[odd]", 0.1)));
        console.Write(RunBlock.Render(Title, history));
        history.Add(Step(100, 1, 50, (MetricNames.GainOfTurn(1), 0.25), (MetricNames.RolloutSpeed, 52_300), (MetricNames.RolloutIdle, 1.2)));
        console.Write(RunBlock.Render(Title, history));
        var shown = text.ToString();
        shown.ShouldContain("[odd] 0.10");
        shown.ShouldContain("52.3k");
        shown.ShouldContain("done");
    }

    [Theory]
    [InlineData(0, "0:00")]
    [InlineData(59.6, "1:00")]
    [InlineData(3723, "1:02:03")]
    [InlineData(double.MaxValue, "2400:00:00")]
    public void Seconds_are_written_as_a_clock(double seconds, string text) => RunHistory.Clock(seconds).ShouldBe(text);

    private sealed class StoppedClock : TimeProvider
    {
        public override long GetTimestamp() => 0;
    }
}
